package session

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/ui/preview"
)

// Preview is what is known of the object under the cursor.
type Preview struct {
	Of      objects.Name
	Info    *objects.Info
	Doc     *preview.Document
	Err     error
	Reading bool

	which int
	stop  context.CancelFunc
}

// previewWait passes before an object is looked at: a cursor on its way asks for nothing.
const previewWait = 60 * time.Millisecond

type (
	lookNow struct{ which int }
	// Previewed ends a look at an object.
	Previewed struct {
		Info  *objects.Info
		Doc   *preview.Document
		Err   error
		At    time.Time
		which int
	}
)

// Look reads about the object under the cursor; what was read of another is given up.
func (s *Session) Look(of objects.Name) tea.Cmd {
	p := &s.Browser.Preview
	if p.Of == of && (p.Reading || p.Info != nil || p.Err != nil) {
		return nil
	}
	s.endPreview()
	p.Of, p.Reading = of, true
	n := p.which
	return s.After(previewWait, func(time.Time) tea.Msg { return lookNow{n} })
}

func (s *Session) endPreview() {
	p := &s.Browser.Preview
	if p.stop != nil {
		p.stop()
	}
	*p = Preview{which: p.which + 1}
}

func (s *Session) applyPreview(msg tea.Msg) tea.Cmd {
	if s.Stale(msg) {
		return nil
	}
	p := &s.Browser.Preview
	switch msg := msg.(type) {
	case lookNow:
		var ctx context.Context
		ctx, p.stop = context.WithCancel(s.ctx)
		return s.look(ctx, p.Of, p.which)
	case Previewed:
		s.at(msg.At)
		p.Info, p.Doc, p.Err, p.Reading = msg.Info, msg.Doc, msg.Err, false
	}
	return nil
}

// Stale reports whether a message changes nothing: the cursor was on its way when it was sent.
func (s *Session) Stale(msg tea.Msg) bool {
	p := &s.Browser.Preview
	switch msg := msg.(type) {
	case lookNow:
		return msg.which != p.which || !p.Reading
	case Previewed:
		return msg.which != p.which
	}
	return false
}

// look reads an object's attributes and, beside that, its beginning.
func (s *Session) look(ctx context.Context, of objects.Name, which int) tea.Cmd {
	return guard("preview", func() tea.Msg {
		msg := Previewed{which: which}
		info, err := s.app.LookObject(ctx, of)
		if err == nil {
			msg.Info = &info
			if want := preview.Want(of.Path, info.Size); want > 0 {
				var head []byte
				if head, err = s.app.ReadObject(ctx, of, 0, want); err == nil {
					doc := preview.Make(of.Path, head, info.Size)
					msg.Doc = &doc
				}
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		msg.Err, msg.At = err, time.Now()
		return msg
	})
}
