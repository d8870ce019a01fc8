package page

import (
	"slices"

	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// rows is a section that lists things of one kind, which the control plane tells of.
type rows[T any] struct {
	list
	s     *session.Session
	title string
	keys  string                        // the scope of its keys
	of    func(st control.State) []T    // the things
	none  func(width int) []string      // is shown where there are none
	made  keymap.Action                 // makes one; "" where none can be made here
	acts  []keymap.Action               // what is done to the one under the cursor
	may   func(*session.Session) string // why this user may do none of it; ""
}

// over has the section draw src, which is the section itself, in columns.
func (r *rows[T]) over(src source, noun string, t *theme.Theme, columns []component.Column) {
	r.list = list{src: src, theme: t, noun: noun, beside: true}
	r.grid.Columns = columns
}

func (r *rows[T]) name() string  { return r.title }
func (r *rows[T]) scope() string { return r.keys }
func (r *rows[T]) count() int    { return r.Len() }

// Len is how many there are.
func (r *rows[T]) Len() int { return len(r.of(plane(r.s))) }

func (r *rows[T]) row(i int) T { return r.of(plane(r.s))[i] }

// current is the one under the cursor, or nil.
func (r *rows[T]) current() *T {
	if i := r.at(); i >= 0 {
		x := r.row(i)
		return &x
	}
	return nil
}

// Empty says why there are none, or how to get one.
func (r *rows[T]) Empty(width int) []string {
	if lines := notKnown(r.s, width, r.theme); lines != nil {
		return lines
	}
	return r.none(width)
}

func (r *rows[T]) refuse(a keymap.Action) string {
	switch {
	case a != r.made && !slices.Contains(r.acts, a):
		return ""
	case r.may(r.s) != "" || a == r.made:
		return r.may(r.s)
	case r.at() < 0:
		return "no " + r.noun + " is selected"
	}
	return ""
}

func (r *rows[T]) own(a keymap.Action) action.Action {
	switch i := r.at(); {
	case a == r.made:
		return action.OpenControl{Name: a}
	case i >= 0 && slices.Contains(r.acts, a):
		return action.OpenControl{Name: a, ID: r.src.ID(i)}
	}
	return nil
}
