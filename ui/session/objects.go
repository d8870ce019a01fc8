package session

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/objects"
)

// Objects is the part of App about what stores hold.
type Objects interface {
	Buckets(ctx context.Context) ([]coordinator.Bucket, error)
	// ListObjects calls page with each page of what is in a folder, as it arrives; an
	// error of page ends it.
	ListObjects(ctx context.Context, folder objects.Name, page func([]objects.Object) error) error
	LookObject(ctx context.Context, at objects.Name) (objects.Info, error)
	// ReadObject returns up to n bytes at off.
	ReadObject(ctx context.Context, at objects.Name, off, n int64) ([]byte, error)
	// LocalPaths are the paths of this machine that begin with text; those of folders end in "/".
	LocalPaths(text string) []string
	ShareObject(ctx context.Context, at objects.Name, life time.Duration) (objects.Link, error)
}

// shareFor is how long a link lives.
const shareFor = time.Hour

// Share makes a link to read an object.
func (s *Session) Share(at objects.Name) tea.Cmd {
	return guard("make a link", func() tea.Msg {
		l, err := s.app.ShareObject(s.ctx, at, shareFor)
		return Shared{Of: at, Link: l, Err: err, At: time.Now()}
	})
}

// Complete looks for the local paths that begin with text.
func (s *Session) Complete(text string) tea.Cmd {
	return guard("complete a path", func() tea.Msg {
		path := text
		if path == "~" || strings.HasPrefix(path, "~/") {
			path = s.Home + path[1:]
		}
		found := s.app.LocalPaths(path)
		for i, p := range found {
			if rest, ok := strings.CutPrefix(p, s.Home+"/"); ok && path != text {
				found[i] = "~/" + rest
			}
		}
		return Completed{Text: text, Paths: found}
	})
}

func (s *Session) readBuckets() tea.Cmd {
	of := s.coordinator
	return s.read("buckets", func() tea.Msg {
		list, err := s.app.Buckets(s.ctx)
		return BucketsRead{List: list, Err: err, At: time.Now(), of: of}
	})
}
