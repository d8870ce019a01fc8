package commandline

import (
	"strconv"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/objects"
)

// place is a place as a command takes it: what are wildcards to it is escaped.
func place(n objects.Name) string {
	if n.Kind == "" {
		return ""
	}
	return n.At(objects.Escape(n.Path)).String()
}

func places(list []objects.Name) []string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = place(n)
	}
	return words
}

// many is how many places a line names at most; a longer one could be neither read nor run.
const many = 20

func object(home, verb string, from []objects.Name, more ...string) string {
	if len(from) == 0 {
		return ""
	}
	if len(from) > many {
		from = from[:many]
		more = append(more, "…")
	}
	words := []string{"object", verb}
	names := places(from)
	for i, n := range from {
		if !strings.HasSuffix(n.Path, "/") {
			continue
		}
		if len(words) == 2 {
			words = append(words, "-r")
		}
		if verb != "delete" { // it goes along by its name: with a slash it is what is in it
			names[i] = strings.TrimSuffix(names[i], "/")
		}
	}
	return Line(home, append(append(words, names...), more...)...)
}

// List is the command that lists a folder.
func List(at objects.Name) string { return Line("", "object", "list", place(at)) }

// Upload is the command that uploads files.
func Upload(from []string, to objects.Name, home string) string {
	words := []string{"object", "put"}
	if len(from) > 0 && strings.HasSuffix(from[0], "/") {
		words = append(words, "-r")
	}
	for _, f := range from {
		words = append(words, strings.TrimSuffix(f, "/"))
	}
	return Line(home, append(words, place(to))...)
}

// Download is the command that downloads objects to a local path.
func Download(from []objects.Name, to, home string) string { return object(home, "get", from, to) }

// Copy is the command that copies objects.
func Copy(from []objects.Name, to objects.Name) string { return object("", "cp", from, place(to)) }

// Move is the command that moves objects.
func Move(from []objects.Name, to objects.Name) string { return object("", "mv", from, place(to)) }

// Remove is the command that deletes objects without asking.
func Remove(what []objects.Name) string { return object("", "delete", what, "--yes") }

// Share is the command that makes a link.
func Share(at objects.Name, expires string) string {
	return Line("", "object", "share", place(at), "--expires", expires)
}

// Info is the command that shows all that is known of an object.
func Info(at objects.Name) string { return Line("", "object", "head", place(at)) }

// MountPlace is the command that makes a workspace of a bucket's folder and mounts it.
func MountPlace(name string, at objects.Name, path, home string) string {
	words := []string{"workspace", "create", name, path, "--backend", "mesh", "--bucket", at.In}
	if at.Path != "" {
		words = append(words, "--prefix", strings.TrimSuffix(at.Path, "/"))
	}
	return Line(home, words...)
}

// Transfer is the command that does what a job does.
func Transfer(t backend.Transfer, home string) string {
	switch t.Kind {
	case backend.Upload:
		return Upload(t.Local, t.To, home)
	case backend.Download:
		to := ""
		if len(t.Local) > 0 {
			to = t.Local[0]
		}
		return Download(t.From, to, home)
	case backend.CopyTo:
		return Copy(t.From, t.To)
	case backend.MoveTo:
		return Move(t.From, t.To)
	case backend.Remove:
		return Remove(t.From)
	}
	return ""
}

// Size is bytes as a command takes them; "" for none.
func Size(bytes int64) string {
	for _, u := range []struct {
		bits int
		name string
	}{{30, "GB"}, {20, "MB"}, {10, "KB"}} {
		if n := bytes >> u.bits; n > 0 && n<<u.bits == bytes {
			return strconv.FormatInt(n, 10) + u.name
		}
	}
	if bytes == 0 {
		return ""
	}
	return strconv.FormatInt(bytes, 10) + "B"
}
