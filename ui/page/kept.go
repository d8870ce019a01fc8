package page

import (
	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/ui/listing"
)

// Kept is how a page was left, for the next run.
type Kept struct {
	Cursor  string      `json:"cursor,omitempty"` // ID of the row
	Sort    string      `json:"sort,omitempty"`   // title of the column
	Reverse bool        `json:"reverse,omitempty"`
	Filter  string      `json:"filter,omitempty"`
	Beside  bool        `json:"beside"`           // the detail stands beside the list, where it is wide
	Below   bool        `json:"below"`            // and below it, where it is not
	Folder  *KeptFolder `json:"folder,omitempty"` // of the browser
}

// KeptFolder is where the browser was.
type KeptFolder struct {
	At      string `json:"at,omitempty"`     // as people write it; empty: at the places
	Cursor  string `json:"cursor,omitempty"` // name of the row
	Sort    string `json:"sort,omitempty"`   // title of the column
	Reverse bool   `json:"reverse,omitempty"`
	Filter  string `json:"filter,omitempty"`
	Preview bool   `json:"preview"` // stands beside the list, where it is wide
}

// Keeper is a page that is found again as it was left.
type Keeper interface {
	Kept() Kept
	Restore(k Kept)
}

// Kept is how the list is now.
func (l *list) Kept() Kept {
	k := Kept{Cursor: l.selected, Reverse: l.grid.Reverse, Filter: l.filter.Value(), Beside: l.beside, Below: l.below}
	if l.grid.Sorted < len(l.grid.Columns) {
		k.Sort = l.grid.Columns[l.grid.Sorted].Title
	}
	return k
}

// Restore takes up what Kept gave; what is not there any more is left as it is.
func (l *list) Restore(k Kept) {
	for i, c := range l.grid.Columns {
		if c.Title == k.Sort {
			l.grid.Sorted, l.grid.Reverse = i, k.Reverse
		}
	}
	l.filter.SetValue(k.Filter)
	l.beside, l.below = k.Beside, k.Below
	l.Sync()
	if k.Cursor != "" {
		l.Select(k.Cursor)
	}
}

// Kept is nothing: the log of a session begins anew.
func (p *Log) Kept() Kept { return Kept{} }

// Restore does nothing.
func (p *Log) Restore(Kept) {}

// Kept is how the places are, and where in them one is.
func (p *Browser) Kept() Kept {
	k := p.places.Kept()
	k.Folder = &KeptFolder{Preview: p.beside}
	if b := &p.s.Browser; b.At.Kind != "" {
		k.Folder.At, k.Folder.Cursor = b.At.String(), p.folder.name
		k.Folder.Sort, k.Folder.Reverse = p.folder.grid.Columns[b.Order.By].Title, b.Order.Reverse
		k.Folder.Filter = b.Order.Filter
	}
	return k
}

// Restore goes to where Kept was. What is there is listed once the coordinator answers.
func (p *Browser) Restore(k Kept) {
	p.places.Restore(k)
	f := k.Folder
	if f == nil {
		return
	}
	p.beside = f.Preview
	at, err := objects.Parse(f.At)
	if f.At == "" || err != nil || !at.Remote() {
		return
	}
	order := listing.Order{Reverse: f.Reverse, Filter: f.Filter}
	for i, c := range p.folder.grid.Columns {
		if c.Title == f.Sort {
			order.By = listing.Key(i)
		}
	}
	p.s.Revisit(at, order)
	p.Sync()
	p.filter.SetValue(f.Filter)
	p.folder.wanted = f.Cursor
}
