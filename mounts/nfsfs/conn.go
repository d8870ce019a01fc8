package nfsfs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	nfs "github.com/willscott/go-nfs"
)

// Numbers of RFC 5531 and RFC 1813.
const (
	mountProgram, nfsProgram = 100005, 100003
	version                  = 3
	procedureNull            = 0
	procedureMount           = 1
	procedureCreate          = 8
	procedureMknod           = 11
	procedureLink            = 15
	authSys                  = 1
	programMismatch          = 2 // an accept_stat
	lastFragment             = 1 << 31

	// recordMost bounds a request: a write that mount_nfs is told to make at most, and more.
	recordMost = 16 << 20

	// strangerTime is how long a connection may take to show a handle.
	strangerTime = 10 * time.Second
)

// errStranger is a request that shows no right to be answered.
var errStranger = errors.New("a request without a valid handle")

// conn is a client's connection as the library sees it. It hands over one request at a
// time, whole, and only what shows a handle, or the name to mount. In the replies it puts
// what an error really is: the library makes a missing file, or no permission, of most.
type conn struct {
	net.Conn
	server *Server
	ended  func()
	once   sync.Once

	known   bool   // a request showed what it takes
	request []byte // what the library has not read yet
	now     call   // what it is about

	mu     sync.Mutex
	failed map[uint32]nfs.NFSStatus // by transaction
	reply  int                      // bytes that are left of the reply being written
}

// call is the head of a request.
type call struct {
	transaction, program, procedure uint32
	theirs                          bool   // it is made for another user
	arguments                       []byte // of NFS, from the handle on
	create                          create
}

// Read implements io.Reader. The library asks for more only once it is done with a request.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.request) == 0 {
		if err := c.next(); err != nil {
			if !errors.Is(err, io.EOF) {
				c.server.log.Warn("an NFS connection ends", "err", err)
			}
			c.Close()
			return 0, io.EOF
		}
	}
	n := copy(p, c.request)
	c.request = c.request[n:]
	return n, nil
}

// Close implements io.Closer.
func (c *conn) Close() error {
	c.once.Do(c.ended)
	return c.Conn.Close()
}

// next receives a request, the fragments of which the library would not put together.
func (c *conn) next() error {
	if !c.known {
		_ = c.SetReadDeadline(time.Now().Add(strangerTime))
	}
	record := make([]byte, 4, 512)
	for last := false; !last; {
		var head [4]byte
		if _, err := io.ReadFull(c.Conn, head[:]); err != nil {
			return err
		}
		size := binary.BigEndian.Uint32(head[:])
		last = size&lastFragment != 0
		size &^= lastFragment
		if len(record)+int(size) > recordMost {
			return fmt.Errorf("a request of more than %d bytes", recordMost)
		}
		at := len(record)
		record = append(record, make([]byte, size)...)
		if _, err := io.ReadFull(c.Conn, record[at:]); err != nil {
			return err
		}
	}
	var err error
	if c.now, err = c.server.look(record[4:]); err != nil {
		return err
	}
	switch {
	case c.now.program != nfsProgram:
	case c.now.procedure == procedureCreate:
		record = c.readCreate(record)
	case c.now.procedure == procedureMknod, c.now.procedure == procedureLink:
		c.fail(nfs.NFSStatusPerm) // link(2)'s answer of a file system without hard links
	}
	binary.BigEndian.PutUint32(record, uint32(len(record)-4)|lastFragment)
	c.request = record
	if !c.known && c.now.program == nfsProgram && c.now.procedure != procedureNull {
		c.known = true
		return c.SetReadDeadline(time.Time{})
	}
	return nil
}

// look reads the head of a request and decides whether it is read any further.
func (s *Server) look(request []byte) (call, error) {
	r := &words{left: request}
	now := call{transaction: r.word()}
	kind, rpc := r.word(), r.word()
	now.program = r.word()
	vers := r.word()
	now.procedure = r.word()
	flavor, credential := r.word(), r.opaque()
	r.word()
	r.opaque() // the verifier, which nobody sends
	switch {
	case r.short || kind != 0 || rpc != 2:
		return now, errors.New("not a call")
	case now.procedure == procedureNull:
		return now, nil
	case now.program == mountProgram:
		if now.procedure == procedureMount && !s.named(r.opaque()) {
			return now, errStranger
		}
		return now, nil
	case now.program != nfsProgram || vers != version:
		return now, fmt.Errorf("program %d, version %d", now.program, vers)
	}
	now.arguments = r.left
	if _, ok := s.nodes.number(r.opaque()); !ok {
		return now, errStranger
	}
	now.theirs = !s.own(flavor, credential)
	return now, nil
}

// own reports whether a credential is that of the mount's user, or root's.
func (s *Server) own(flavor uint32, credential []byte) bool {
	r := &words{left: credential}
	r.word()   // stamp
	r.opaque() // the client's name
	uid := r.word()
	return flavor == authSys && !r.short && (uid == s.uid || uid == 0)
}

// fail notes what became of the request that is being served, in case that it fails.
func (c *conn) fail(status nfs.NFSStatus) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed[c.now.transaction] = status
}

// Write implements io.Writer. A reply begins with a write of its own.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	if c.reply == 0 && len(p) >= 4 {
		c.reply = 4 + int(binary.BigEndian.Uint32(p)&^lastFragment)
		c.correct(p)
	}
	c.reply -= len(p)
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// correct replaces the status of a reply that says that a request failed, and counts what
// the library calls an unknown procedure and the like as RFC 5531 does: it leaves one out.
// c.mu is held.
func (c *conn) correct(reply []byte) {
	r := &words{left: reply[4:]}
	transaction, kind, accepted := r.word(), r.word(), r.word()
	r.word()
	r.opaque() // the verifier
	result := r.word()
	at := len(reply) - len(r.left)
	if !r.short && kind == 1 && accepted == 0 && result >= programMismatch {
		binary.BigEndian.PutUint32(reply[at-4:], result+1)
	}
	status, known := c.failed[transaction]
	delete(c.failed, transaction)
	if said := r.word(); known && !r.short && kind == 1 && accepted == 0 && result == 0 && said != 0 {
		binary.BigEndian.PutUint32(reply[at:], uint32(status))
	}
}

// words reads XDR (RFC 4506).
type words struct {
	left  []byte
	short bool // it ended early
}

func (w *words) word() uint32 {
	if len(w.left) < 4 {
		w.left, w.short = nil, true
		return 0
	}
	v := binary.BigEndian.Uint32(w.left)
	w.left = w.left[4:]
	return v
}

func (w *words) opaque() []byte {
	size := uint64(w.word())
	padded := (size + 3) &^ 3
	if padded > uint64(len(w.left)) {
		w.left, w.short = nil, true
		return nil
	}
	b := w.left[:size]
	w.left = w.left[padded:]
	return b
}
