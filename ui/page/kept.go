package page

// Kept is how a page was left, for the next run.
type Kept struct {
	Cursor  string `json:"cursor,omitempty"` // ID of the row
	Sort    string `json:"sort,omitempty"`   // title of the column
	Reverse bool   `json:"reverse,omitempty"`
	Filter  string `json:"filter,omitempty"`
	Beside  bool   `json:"beside"` // the detail stands beside the list, where it is wide
	Below   bool   `json:"below"`  // and below it, where it is not
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
