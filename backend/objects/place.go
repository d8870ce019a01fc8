package objects

import (
	"path/filepath"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Kind of a place.
type Kind string

// The kinds.
const (
	Bucket    Kind = "bucket"    // of the mesh's store
	Workspace Kind = "workspace" // of any backend
	Local     Kind = "local"     // a path of this machine
	Std       Kind = "std"       // standard input or output
)

// Name is a place as people write it.
type Name struct {
	Kind Kind   `json:"kind"`
	In   string `json:"in,omitempty"`   // the bucket's or the workspace's name
	Path string `json:"path,omitempty"` // a key or the beginning of one, a path in the workspace, or a local path
}

const (
	workspaceMark = "workspace:"
	forms         = "write BUCKET/KEY, workspace:NAME/PATH, ./FILE or /FILE, or - for standard input and output"
)

// Parse reads a place: BUCKET/KEY, workspace:NAME/PATH, a local path that begins with /, ./ or
// ../, or -. s3://BUCKET/KEY is BUCKET/KEY.
func Parse(text string) (Name, error) {
	switch {
	case text == "":
		return Name{}, fault.New(fault.Usage, forms, "the place is empty")
	case text == "-":
		return Name{Kind: Std}, nil
	case isLocal(text):
		return Name{Kind: Local, Path: text}, nil
	}
	n := Name{Kind: Bucket}
	rest, ok := strings.CutPrefix(text, workspaceMark)
	if ok {
		n.Kind = Workspace
	} else {
		rest = strings.TrimPrefix(rest, "s3://")
	}
	n.In, n.Path, _ = strings.Cut(rest, "/")
	switch {
	case n.Kind == Workspace:
		if err := workspace.CheckName(n.In); err != nil {
			return Name{}, err
		}
	case n.In == "" || strings.ContainsAny(n.In, ":*?\\ "):
		if strings.Contains(text, "://") || strings.ContainsAny(text, "@?") { // a URL may hold keys, or be signed
			return Name{}, fault.New(fault.Usage, forms, "a URL is not a place")
		}
		return Name{}, fault.New(fault.Usage, forms, "%q is not a place", text)
	}
	if strings.Contains(n.Path, "\x00") || len(n.Path) > maxKey {
		return Name{}, fault.New(fault.Usage, "a key has at most 1024 bytes and no NUL", "%.60q… is not a key", n.Path)
	}
	return n, nil
}

// ParseLocal reads a local path, which needs no ./ where nothing else can be meant, or -.
func ParseLocal(text string) (Name, error) {
	if text == "" {
		return Name{}, fault.New(fault.Usage, "give a file, a folder or -", "the path is empty")
	}
	if text == "-" {
		return Name{Kind: Std}, nil
	}
	return Name{Kind: Local, Path: text}, nil
}

func isLocal(text string) bool {
	return text == "." || text == ".." || strings.HasPrefix(text, "/") || strings.HasPrefix(text, "./") || strings.HasPrefix(text, "../")
}

// maxKey is the longest key, in bytes.
const maxKey = 1024

// Remote reports whether the place is in a store.
func (n Name) Remote() bool { return n.Kind == Bucket || n.Kind == Workspace }

// Dir reports whether what the place names is, by how it is written, not one object or file
// but what is in it: all of a bucket or workspace, or a path that ends in "/".
func (n Name) Dir() bool {
	if n.Kind == Local {
		base := filepath.Base(n.Path)
		return strings.HasSuffix(n.Path, "/") || base == "." || base == ".."
	}
	return n.Remote() && (n.Path == "" || strings.HasSuffix(n.Path, "/"))
}

// At is the same place with another path.
func (n Name) At(path string) Name {
	n.Path = path
	return n
}

// String is the place as Parse reads it.
func (n Name) String() string {
	switch n.Kind {
	case Std:
		return "-"
	case Local:
		return n.Path
	case Workspace:
		return workspaceMark + n.In + "/" + n.Path
	}
	return n.In + "/" + n.Path
}

// MarshalText makes a place a string in JSON.
func (n Name) MarshalText() ([]byte, error) { return []byte(n.String()), nil }
