package page

import (
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
)

func (p *Browser) doPlaces(a keymap.Action) action.Action {
	if a == keymap.Out {
		a = keymap.Clear
	}
	if asked, done := p.places.handle(a); done {
		return asked
	}
	row, ok := p.place()
	switch a {
	case keymap.Open:
		if ok {
			return action.Browse{At: row.name}
		}
	case keymap.Info:
		p.places.Do(keymap.Detail)
	case keymap.BucketCreate, keymap.BucketQuota, keymap.BucketDelete:
		return onBucket(row.name.In, a)
	case keymap.Mount:
		if row.workspace != nil {
			return action.OpenMount{Workspace: row.name.In}
		}
		return action.OpenMountPlace{At: row.name}
	case keymap.Restore:
		return action.Restore{}
	}
	return nil
}

func (p *Browser) place() (place, bool) {
	if i := p.places.at(); i >= 0 {
		return p.places.src.(*places).at(i), true
	}
	return place{}, false
}

func (p *Browser) disabledAtPlaces(a keymap.Action) string {
	if a == keymap.In {
		a = keymap.Open
	}
	row, ok := p.place()
	switch a {
	case keymap.BucketCreate, keymap.BucketQuota, keymap.BucketDelete:
		switch {
		case !ok && a != keymap.BucketCreate:
			return "there are no buckets"
		case row.bucket == nil && a == keymap.BucketQuota:
			return "a quota is set for a bucket of the mesh"
		case row.bucket == nil && a == keymap.BucketDelete:
			return "this is a workspace; page 1 deletes it"
		}
		return refuseBucket(p.s, row.bucket, a)
	case keymap.Info:
		return p.places.Disabled(keymap.Detail)
	case keymap.Mount:
		switch {
		case !ok:
			return "there are no places"
		case row.workspace != nil && p.s.MountOf(*row.workspace) != nil:
			return row.name.In + " is mounted"
		}
	case keymap.Open:
		if ok && row.workspace != nil && !p.s.WorkspacesKnown {
			return "the workspaces are not read yet"
		}
	}
	return p.places.Disabled(a)
}
