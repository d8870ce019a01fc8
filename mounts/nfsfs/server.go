package nfsfs

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"

	nfs "github.com/willscott/go-nfs"

	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// Options of a server.
type Options struct {
	ReadOnly bool
	// Export is the name to mount: it holds once, which nobody else knows, and may tell
	// whoever reads the mount table what is mounted and which port serves it.
	Export func(port int, once string) string
	// Space is how many bytes the mount holds and how many still go in, as far as that is
	// known; free is below 0 where nothing bounds it. It must return at once; nil: not known.
	Space func() (used, free int64, known bool)
	Log   *slog.Logger
}

// connectionsMost bounds the clients: the kernel has one connection, or a few.
const connectionsMost = 16

// Server serves an upper.FS until it is closed.
type Server struct {
	up       *upper.FS
	opt      Options
	log      *slog.Logger
	listener net.Listener
	export   string
	verifier [8]byte // of writes: another one tells a client that the server has forgotten them
	uid      uint32
	mounted  atomic.Bool // MOUNT was answered

	nodes    *table
	readers  *readers
	listings listings
	made     made

	read, written atomic.Int64 // bytes, by programs

	mu          sync.Mutex
	connections map[net.Conn]struct{}
	closed      bool
	serving     sync.WaitGroup
}

// Serve listens on a free port of the loopback interface and serves up there.
func Serve(up *upper.FS, opt Options) (*Server, error) {
	nodes, err := newTable()
	if err != nil {
		return nil, err
	}
	s := &Server{
		up: up, opt: opt, log: opt.Log, uid: uint32(os.Geteuid()),
		nodes: nodes, readers: newReaders(up), connections: map[net.Conn]struct{}{},
	}
	var once [16]byte
	for _, b := range [][]byte{once[:], s.verifier[:]} {
		if _, err := rand.Read(b); err != nil {
			return nil, err
		}
	}
	if s.listener, err = net.Listen("tcp4", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	s.export = opt.Export(s.Port(), hex.EncodeToString(once[:]))
	nfs.Log.SetLevel(nfs.PanicLevel) // what fails is logged here, once
	up.OnChange(func(n *upper.Node, gone bool) {
		if gone {
			s.drop(n)
		}
	})
	s.serving.Add(1)
	go s.accept()
	return s, nil
}

// Port is where it listens, for MOUNT and NFS both.
func (s *Server) Port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// Export is what to mount, once.
func (s *Server) Export() string { return s.export }

// Bytes are what programs read and wrote.
func (s *Server) Bytes() (read, written int64) { return s.read.Load(), s.written.Load() }

// Nodes is how many files and directories have a handle.
func (s *Server) Nodes() int { return s.nodes.len() }

// Close ends all connections and gives the files free that they used.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	err := s.listener.Close()
	for c := range s.connections {
		c.Close()
	}
	s.mu.Unlock()
	s.serving.Wait()
	s.readers.close()
	return err
}

func (s *Server) accept() {
	defer s.serving.Done()
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return // it was closed
		}
		s.mu.Lock()
		if s.closed || len(s.connections) >= connectionsMost {
			s.mu.Unlock()
			c.Close()
			continue
		}
		s.connections[c] = struct{}{}
		s.mu.Unlock()
		s.serve(c)
	}
}

// serve hands a connection to the library, with a handler of its own: a connection's
// requests are answered one after the other, so that the handler knows which one it is in.
func (s *Server) serve(raw net.Conn) {
	c := &conn{Conn: raw, server: s, failed: map[uint32]nfs.NFSStatus{}}
	c.ended = func() {
		s.mu.Lock()
		delete(s.connections, raw)
		s.mu.Unlock()
	}
	h := &handler{Server: s, conn: c}
	h.files = &files{handler: h}
	library := &nfs.Server{Handler: h, ID: s.verifier}
	_ = library.Serve(&only{conn: c, addr: s.listener.Addr()}) // the connection goes on
}

// drop forgets a node that has no name any more. What was renamed keeps its handle.
func (s *Server) drop(n *upper.Node) {
	if n != nil && s.up.Attr(n).Nlink == 0 {
		s.nodes.forget(n)
		s.readers.forget(n)
	}
}

// named reports whether path is what to mount.
func (s *Server) named(path []byte) bool {
	return subtle.ConstantTimeCompare(path, []byte(s.export)) == 1
}

// mountable reports whether a MOUNT of path may be answered: the right one, the first time.
func (s *Server) mountable(path []byte) bool {
	return s.named(path) && !s.mounted.Swap(true)
}

// only is a listener with one connection.
type only struct {
	conn net.Conn
	addr net.Addr
}

// Accept implements net.Listener.
func (o *only) Accept() (net.Conn, error) {
	c := o.conn
	o.conn = nil
	if c == nil {
		return nil, net.ErrClosed
	}
	return c, nil
}

// Close implements net.Listener.
func (o *only) Close() error { return nil }

// Addr implements net.Listener.
func (o *only) Addr() net.Addr { return o.addr }
