package page

import (
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
)

// Verb is a better word than the key map's for what an action does here; "" where there is none.
func (p *Browser) Verb(a keymap.Action) string {
	switch {
	case a == keymap.Open && p.open:
		return "close"
	case a == keymap.Open:
		return "open"
	case a == keymap.Back && p.atPlaces():
		return p.places.Verb(a)
	case a == keymap.Back:
		return "back"
	case a == keymap.Detail && p.atPlaces():
		return "info"
	case a == keymap.Detail:
		return "mark"
	}
	return ""
}

// move moves the cursor, or scrolls an open preview; false where a does neither.
func (p *Browser) move(a keymap.Action) bool {
	f := &p.folder
	_, page := f.grid.Window()
	step := map[keymap.Action]int{
		keymap.Up: -1, keymap.Down: 1, keymap.HalfUp: -max(page/2, 1), keymap.HalfDown: max(page/2, 1),
		keymap.Top: -1 << 40, keymap.Bottom: 1 << 40,
	}[a]
	switch {
	case step == 0:
		return false
	case p.open:
		p.top = max(min(p.top+step, p.lines-p.room), 0)
	default:
		f.grid.MoveTo(max(min(f.grid.Cursor(f)+step, f.Len()-1), 0), f)
		f.remember()
	}
	return true
}

// Do does what a key asks for.
func (p *Browser) Do(a keymap.Action) action.Action {
	if a == keymap.In {
		if a = keymap.Open; p.open {
			return nil
		}
	}
	if p.atPlaces() {
		return p.doPlaces(a)
	}
	if p.move(a) {
		return nil
	}
	b, f := &p.s.Browser, &p.folder
	e, n, ok := f.current()
	switch a {
	case keymap.Open:
		switch {
		case p.open:
			p.open = false
		case ok && e.Folder:
			return action.Browse{At: f.place(e)}
		case ok:
			p.open, p.top = true, 0
		}
		p.SetSize(p.width, p.height)
	case keymap.Out:
		return p.out()
	case keymap.Clear, keymap.Back:
		return p.back(a)
	case keymap.Filter:
		p.filtering = true
	case keymap.Sort:
		o := b.Order
		o.By, o.Reverse = (o.By+1)%3, false
		return action.Arrange{Order: o}
	case keymap.Reverse:
		o := b.Order
		o.Reverse = !o.Reverse
		return action.Arrange{Order: o}
	case keymap.Preview:
		if p.width < wideFrom {
			p.open = ok && !e.Folder
		} else {
			p.beside = !p.beside
		}
		p.SetSize(p.width, p.height)
	case keymap.Detail:
		if ok {
			f.marks.toggle(n)
			p.move(keymap.Down)
		}
	case keymap.MarkAll:
		f.markAll()
	case keymap.LoadAll:
		return action.LoadMore{All: true}
	case keymap.Upload:
		return action.OpenUpload{To: b.At}
	case keymap.BucketCreate, keymap.BucketQuota:
		return onBucket(b.At.In, a)
	case keymap.Mount:
		if e.Folder {
			return action.OpenMountPlace{At: f.place(e)}
		}
		return action.OpenMountPlace{At: b.At}
	case keymap.Restore:
		return action.Restore{}
	default:
		return p.doChosen(a, f.chosen())
	}
	return nil
}

// doChosen does what is done to marked entries, or to the one under the cursor.
func (p *Browser) doChosen(a keymap.Action, chosen []objects.Name) action.Action {
	if len(chosen) == 0 {
		return nil
	}
	switch a {
	case keymap.CopyTo, keymap.MoveTo:
		return action.OpenCopy{From: chosen, Move: a == keymap.MoveTo}
	case keymap.Download:
		return action.OpenDownload{From: chosen}
	case keymap.Remove:
		p.folder.marks = marks{}
		return action.Remove{What: chosen}
	case keymap.Presign:
		return action.Presign{At: chosen[0]}
	case keymap.Info:
		return action.OpenInfo{At: chosen[0]}
	}
	return nil
}

// out goes to the folder above, with the cursor on this one.
func (p *Browser) out() action.Action {
	if p.open {
		p.open = false
		p.SetSize(p.width, p.height)
		return nil
	}
	at := p.s.Browser.At
	above := session.Above(at)
	if above.Kind == "" {
		p.places.Select(at.String())
	} else {
		p.folder.wanted = strings.TrimPrefix(at.Path, above.Path)
	}
	return action.Browse{At: above}
}

// back undoes the innermost thing the page is in.
func (p *Browser) back(a keymap.Action) action.Action {
	b := &p.s.Browser
	switch {
	case p.open:
		p.open = false
		p.SetSize(p.width, p.height)
	case b.All && b.State == session.Listing:
		return action.StopListing{}
	case p.folder.marks.any():
		p.folder.marks = marks{}
	case p.filter.Value() != "":
		p.filter.SetValue("")
		return p.Typed()
	case a == keymap.Back:
		return p.out()
	}
	return nil
}

// Disabled says why an action cannot work now.
func (p *Browser) Disabled(a keymap.Action) string {
	if p.open && (a == keymap.Detail || a == keymap.Filter || a == keymap.Sort || a == keymap.Reverse) {
		return "close the object first"
	}
	if a == keymap.Restore && len(p.s.Doomed) == 0 {
		return "there is no deletion to take back"
	}
	if p.atPlaces() {
		return p.disabledAtPlaces(a)
	}
	b := &p.s.Browser
	e, _, ok := p.folder.current()
	switch a {
	case keymap.Open, keymap.In, keymap.Detail, keymap.MarkAll, keymap.CopyTo, keymap.MoveTo, keymap.Remove, keymap.Download:
		if !ok {
			return "there is nothing here"
		}
	case keymap.Preview, keymap.Info, keymap.Presign:
		switch {
		case !ok:
			return "there is nothing here"
		case e.Folder:
			return "that is a folder, not an object"
		}
	case keymap.Filter, keymap.Sort, keymap.Reverse:
		if b.List.Len() == 0 {
			return "there is nothing here"
		}
	case keymap.LoadAll:
		if b.State == session.Whole {
			return "all of it is here"
		}
	case keymap.BucketCreate:
		return refuseBucket(p.s, nil, a)
	case keymap.BucketQuota:
		if b.At.Kind != objects.Bucket {
			return "a quota is set for a bucket of the mesh"
		}
		if bucket, ok := p.s.Bucket(b.At.In); ok {
			return refuseBucket(p.s, &bucket, a)
		}
	case keymap.Mount:
		if b.At.Kind != objects.Bucket {
			return "this is in a workspace; page 1 mounts it"
		}
	}
	return ""
}
