package page

import (
	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
)

// Command is what downloads the object under the cursor, or lists the folder.
func (p *Browser) Command() string {
	if p.atPlaces() {
		if row, ok := p.place(); ok {
			return commandline.List(row.name)
		}
		return commandline.Line("", "bucket", "list")
	}
	e, _, ok := p.folder.current()
	switch {
	case !ok:
		return commandline.List(p.s.Browser.At)
	case e.Folder:
		return commandline.List(p.folder.place(e))
	default:
		return commandline.Download([]objects.Name{p.folder.place(e)}, ".", "")
	}
}

// CommandOf is the command line of an action on what is chosen.
func (p *Browser) CommandOf(a keymap.Action) string {
	at := p.s.Browser.At
	var chosen []objects.Name
	if p.atPlaces() {
		if row, ok := p.place(); ok {
			at, chosen = row.name, []objects.Name{row.name}
		}
	} else {
		chosen = p.folder.chosen()
	}
	if len(chosen) == 0 {
		chosen = []objects.Name{{Kind: objects.Bucket, In: "BUCKET", Path: "KEY"}}
	}
	one := chosen[0]
	to := objects.Name{Kind: objects.Bucket, In: "BUCKET", Path: "KEY"}
	switch a {
	case keymap.Open:
		return p.Command()
	case keymap.Upload:
		return commandline.Upload([]string{"FILE"}, at, "")
	case keymap.Download:
		return commandline.Download(chosen, ".", "")
	case keymap.CopyTo:
		return commandline.Copy(chosen, to)
	case keymap.MoveTo:
		return commandline.Move(chosen, to)
	case keymap.Remove:
		return commandline.Remove(chosen)
	case keymap.Presign:
		return commandline.Share(one, "1h")
	case keymap.Info:
		return commandline.Info(one)
	case keymap.BucketCreate, keymap.BucketQuota, keymap.BucketDelete:
		if bucket, ok := p.s.Bucket(at.In); ok {
			return bucketLine(&bucket, a)
		}
		return bucketLine(nil, a)
	case keymap.Mount:
		return commandline.MountPlace("NAME", at, "PATH", "")
	}
	return ""
}
