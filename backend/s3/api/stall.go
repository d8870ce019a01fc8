package api

import (
	"net/http"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// A client that neither sends nor takes a byte for stallAfter is given up; one that goes on,
// however slowly, is not: a transfer has no bound of its own.
const (
	stallAfter = time.Minute
	stallCheck = 5 * time.Second // how much sooner a deadline may be for not being moved each time
	stallPiece = 1 << 20         // bytes that must get away within stallAfter

	accessCheck = 500 * time.Millisecond // how often a download is asked whether it may go on
)

// patience moves a connection's deadlines as long as bytes flow.
type patience struct {
	w     http.ResponseWriter
	after time.Duration
	moved time.Time // when the read deadline was
}

func (p *patience) control() *http.ResponseController { return http.NewResponseController(p.w) }

// reading moves the read deadline. Its errors mean that the connection has none, as in a test.
func (p *patience) reading() {
	if now := time.Now(); now.Sub(p.moved) > min(stallCheck, p.after/4) {
		p.moved = now
		_ = p.control().SetReadDeadline(now.Add(p.after))
	}
}

// read takes the read deadline back once the body has ended: net/http goes on reading the
// connection, and would cancel a request whose bytes take longer to reach the disk.
func (p *patience) read() { _ = p.control().SetReadDeadline(time.Time{}) }

// copy sends n bytes of r, a piece at a time, until still fails. It goes past the recorder:
// net/http sends a file with sendfile(2) only when it sees the file.
func (p *patience) copy(r *store.Reader, n int64, still func() error) error {
	if n <= stallPiece {
		return r.CopyTo(p.w, n) // it fits the buffers of a connection, more or less
	}
	// net/http does not take a write deadline back before the next request.
	defer func() { _ = p.control().SetWriteDeadline(time.Time{}) }()
	asked := time.Now()
	for n > 0 {
		now := time.Now()
		_ = p.control().SetWriteDeadline(now.Add(p.after))
		if now.Sub(asked) > accessCheck {
			asked = now
			if err := still(); err != nil {
				return err
			}
		}
		k := min(n, stallPiece)
		if err := r.CopyTo(p.w, k); err != nil {
			return err
		}
		n -= k
	}
	return nil
}
