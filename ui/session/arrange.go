package session

import (
	"context"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/ui/listing"
)

// Arrange shows the entries in another order.
func (s *Session) Arrange(o listing.Order) tea.Cmd {
	b := &s.Browser
	if b.Order == o {
		return nil
	}
	b.Order = o
	return s.arrangeAnew()
}

// arrangeAnew gives up the arrangement that is under way and begins another.
func (s *Session) arrangeAnew() tea.Cmd {
	s.stopArranging()
	return s.arrange()
}

func (s *Session) stopArranging() {
	b := &s.Browser
	if b.sorting != nil {
		b.sorting()
		b.sorting = nil
	}
	b.sorted = 0
}

// arrange orders what is there, beside the screen; one at a time.
func (s *Session) arrange() tea.Cmd {
	b := &s.Browser
	if b.Order.Plain() && len(b.hidden) == 0 {
		b.AsListed, b.Rows, b.last = true, nil, nil
		return nil
	}
	if b.sorting != nil {
		b.sortAgain = true
		return nil
	}
	n := b.List.Len()
	if grown := n - b.sorted; b.State == Listing && b.sorted > 0 && grown < b.sorted/8 {
		return nil // a sort of nearly the same again
	}
	ctx, cancel := context.WithCancel(s.ctx)
	b.arranging++
	b.sorting, b.sortAgain, b.sorted = cancel, false, n
	which, list, order, last := b.arranging, b.List, b.Order, b.last
	skip := map[uint32]bool{}
	for name := range b.hidden {
		if i, ok := list.Find(name); ok {
			skip[uint32(i)] = true
		}
	}
	return guard("arrange", func() tea.Msg {
		defer cancel()
		a := list.Arrange(ctx, order, last)
		if a == nil {
			return nil
		}
		rows := a.Rows
		if len(skip) > 0 {
			rows = slices.DeleteFunc(slices.Clone(rows), func(r uint32) bool { return skip[r] })
		}
		return Arranged{arrangement: a, rows: rows, which: which}
	})
}

func (s *Session) applyArranged(msg Arranged) tea.Cmd {
	b := &s.Browser
	if msg.which != b.arranging || b.sorting == nil {
		return nil // of another list, or another order
	}
	b.sorting = nil
	b.Rows, b.AsListed, b.last = msg.rows, false, msg.arrangement
	if b.sortAgain {
		return s.arrange()
	}
	return nil
}

// hide takes names of the folder off the screen, or puts them back.
func (s *Session) hide(names []objects.Name, hidden bool) tea.Cmd {
	s.mark(names, hidden)
	return s.arrangeAnew()
}

func (s *Session) mark(names []objects.Name, hidden bool) {
	b := &s.Browser
	for _, n := range names {
		name, ok := strings.CutPrefix(n.Path, b.At.Path)
		if n.Kind != b.At.Kind || n.In != b.At.In || !ok {
			continue
		}
		if b.hidden == nil {
			b.hidden = map[string]bool{}
		}
		if hidden {
			b.hidden[name] = true
		} else {
			delete(b.hidden, name)
		}
	}
}

// markDoomed hides what is being deleted, or about to be, and nothing else.
func (s *Session) markDoomed() {
	s.Browser.hidden = nil
	for _, d := range s.Doomed {
		s.mark(d.What, true)
	}
	for _, what := range s.deleting {
		s.mark(what, true)
	}
}
