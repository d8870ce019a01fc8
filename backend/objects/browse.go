package objects

import (
	"context"
	"errors"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Browse calls page with what is at a place, as it arrives: what is directly in a folder, all
// below it where recursive is set, or what matches a pattern. A path without "/" at its end is
// the object of that name, and else the folder.
func Browse(ctx context.Context, p Place, recursive bool, page func([]Object) error) error {
	delimiter := "/"
	if recursive {
		delimiter = ""
	}
	plain, pattern := hasGlob(p.Path)
	if pattern {
		g := newGlob(p.Path)
		if !g.flat {
			delimiter = ""
		}
		return p.Store.List(ctx, g.prefix, delimiter, func(objects []Object) error {
			kept := objects[:0]
			for _, o := range objects {
				name := o.Key
				if o.Prefix {
					name = name[:len(name)-1]
				}
				if g.match.MatchString(name) {
					kept = append(kept, o)
				}
			}
			if len(kept) == 0 {
				return nil
			}
			return page(kept)
		})
	}
	if p.Dir() {
		return p.Store.List(ctx, plain, delimiter, page)
	}
	info, err := p.Store.Head(ctx, plain)
	if err == nil {
		err = page([]Object{info.Object})
	}
	if err != nil && !errors.Is(err, errMissing) && !fault.Is(err, fault.Auth) {
		return err
	}
	return p.Store.List(ctx, plain+"/", delimiter, page)
}
