package dir

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// A blob up to packMax bytes is a piece of a pack, a file that is only appended to: writers
// that come together share one write and one fsync, and a million small objects are not a
// million files. A pack is sealed, and another begun, at packSize bytes or packPieces pieces,
// for a sweep, after a crash, and whenever a write to it failed.
const (
	packMax    = 32 << 10
	packSize   = 64 << 20
	packPieces = 32 << 10
	packBatch  = 256 // pieces of one write
)

var errClosed = errors.New("dir: the blobs are closed")

// packs appends pieces. All of its fields but the channels belong to one goroutine.
type packs struct {
	blobs  *Blobs
	ops    chan packOp
	stop   chan struct{}
	ended  chan struct{}
	once   sync.Once
	last   closing // where the next process goes on; read after ended
	result error   // of closing the pack; read after ended

	file   *os.File // that is appended to; nil: none
	token  token
	size   int64
	pieces int
}

// packOp is a piece to be appended, or where data is nil the wish that the pack be sealed.
type packOp struct {
	data []byte
	done chan packed
}

type packed struct {
	id  string
	err error
}

func (p *packs) start(b *Blobs, last closing) {
	p.blobs = b
	p.resume(last)
	p.ops, p.stop, p.ended = make(chan packOp), make(chan struct{}), make(chan struct{})
	go p.run()
}

// resume goes on where the process before left off, if the pack is as it left it.
func (p *packs) resume(last closing) {
	t, ok := parseToken(last.Pack)
	if !ok {
		return
	}
	f, err := os.OpenFile(p.blobs.packPath(t), os.O_WRONLY, 0)
	if err != nil {
		return
	}
	if info, err := f.Stat(); err != nil || info.Size() != last.Size {
		_ = f.Close()
		return
	}
	p.file, p.token, p.size, p.pieces = f, t, last.Size, last.Pieces
}

func (p *packs) close() (closing, error) {
	p.once.Do(func() { close(p.stop) })
	<-p.ended
	return p.last, p.result
}

// do hands an op to the goroutine and waits for its result.
func (p *packs) do(data []byte) (string, error) {
	op := packOp{data: data, done: make(chan packed, 1)}
	select {
	case p.ops <- op:
		r := <-op.done
		return r.id, r.err
	case <-p.stop:
		return "", errClosed
	}
}

// seal returns when nothing will be appended any more to the packs that are there.
func (p *packs) seal() error {
	_, err := p.do(nil)
	return err
}

func (p *packs) run() {
	defer close(p.ended)
	for {
		var batch []packOp
		select {
		case op := <-p.ops:
			batch = append(batch, op)
		case <-p.stop:
			if p.file != nil {
				p.last = closing{Pack: p.token.String(), Size: p.size, Pieces: p.pieces}
			}
			p.result = p.end()
			return
		}
	more:
		for len(batch) < packBatch && batch[len(batch)-1].data != nil {
			select {
			case op := <-p.ops:
				batch = append(batch, op)
			default:
				break more
			}
		}
		p.serve(batch)
	}
}

// serve appends the pieces of batch; only its last op may be one to seal.
func (p *packs) serve(batch []packOp) {
	last := batch[len(batch)-1]
	if last.data == nil {
		batch = batch[:len(batch)-1]
	}
	if len(batch) > 0 {
		ids, err := p.append(batch)
		for i, op := range batch {
			if err != nil {
				op.done <- packed{err: err}
			} else {
				op.done <- packed{id: ids[i]}
			}
		}
	}
	if last.data == nil {
		last.done <- packed{err: p.end()}
	}
}

// append writes and syncs the pieces. After an error none of them is anything.
func (p *packs) append(batch []packOp) (ids []string, err error) {
	if p.size >= packSize || p.pieces >= packPieces {
		if err := p.end(); err != nil {
			return nil, err
		}
	}
	if p.file == nil {
		if err := p.begin(); err != nil {
			return nil, err
		}
	}
	all := batch[0].data
	if len(batch) > 1 {
		all = make([]byte, 0, len(batch)*len(all)*2)
		for _, op := range batch {
			all = append(all, op.data...)
		}
	}
	off := p.size
	for _, op := range batch {
		ids = append(ids, place{file: p.token, packed: true, off: off, length: int64(len(op.data))}.id())
		off += int64(len(op.data))
	}
	if _, err = p.file.WriteAt(all, p.size); err == nil {
		err = syncData(p.file)
	}
	if err != nil {
		// What a failed fsync leaves in the page cache is not to be trusted: go on in another file.
		err = fmt.Errorf("append to %s: %w", p.file.Name(), err)
		_ = p.file.Truncate(p.size)
		_ = p.end()
		return nil, err
	}
	p.size += int64(len(all))
	p.pieces += len(batch)
	return ids, nil
}

// begin makes a new pack.
func (p *packs) begin() error {
	p.token, p.size, p.pieces = newToken(), 0, 0
	f, err := os.OpenFile(p.blobs.packPath(p.token), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(f.Name())); err != nil {
		_ = f.Close()
		_ = os.Remove(f.Name())
		return err
	}
	p.file = f
	return nil
}

// end seals the pack.
func (p *packs) end() error {
	if p.file == nil {
		return nil
	}
	err := p.file.Close()
	p.file = nil
	return err
}

// packWriter is a store.BlobWriter of a piece.
type packWriter struct {
	packs *packs
	buf   []byte
	over  bool // committed or aborted
}

// Write implements io.Writer.
func (w *packWriter) Write(b []byte) (int, error) {
	if len(w.buf)+len(b) > packMax {
		return 0, io.ErrShortWrite // Create was told another size
	}
	w.buf = append(w.buf, b...)
	return len(b), nil
}

// Commit implements store.BlobWriter.
func (w *packWriter) Commit() (string, error) {
	if w.over || len(w.buf) == 0 {
		return "", errors.New("dir: the blob is empty, or was committed or aborted already")
	}
	w.over = true
	return w.packs.do(w.buf)
}

// Abort implements store.BlobWriter.
func (w *packWriter) Abort() { w.over = true }
