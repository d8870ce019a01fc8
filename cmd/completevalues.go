package cmd

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/client"
	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
)

const (
	noFiles = cobra.ShellCompDirectiveNoFileComp
	goesOn  = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
)

func nothing(context.Context, *backend.App, string) ([]string, cobra.ShellCompDirective) {
	return nil, noFiles
}

func files(context.Context, *backend.App, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

func folders(context.Context, *backend.App, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// oneOf offers fixed words.
func oneOf(words ...string) offer {
	return func(context.Context, *backend.App, string) ([]string, cobra.ShellCompDirective) {
		return words, noFiles
	}
}

// named is the names of a list.
func named[T any](list []T, name func(T) string) ([]string, cobra.ShellCompDirective) {
	values := make([]string, len(list))
	for i, v := range list {
		values[i] = name(v)
	}
	return values, noFiles
}

// described is a value with what some shells show beside it.
func described(value, what string) string {
	if what == "" || printable(what) != what {
		return value
	}
	return value + "\t" + what
}

// workspaceNames are those of the coordinator, or, where it does not answer, those that were seen last.
func workspaceNames(ctx context.Context, app *backend.App, _ string) ([]string, cobra.ShellCompDirective) {
	list, err := app.Workspaces(ctx)
	if err != nil {
		list = app.Remembered()
	}
	return named(list, func(w workspace.Workspace) string { return described(w.Name, string(w.Backend)+" "+w.Location()) })
}

// What the control plane knows.
var (
	bucketNames       = asked((*client.Client).Buckets, func(b coordinator.Bucket) string { return b.Name })
	peerNames         = asked((*client.Client).Peers, func(p coordinator.PeerInfo) string { return described(p.Name, p.ID) })
	bindingIDs        = asked((*client.Client).Bindings, func(b coordinator.Binding) string { return described(b.ID, b.Peer+" "+b.String()) })
	shareNames        = asked((*client.Client).Shares, func(s coordinator.Share) string { return described(s.Name, s.Bucket+"/"+s.Prefix) })
	deletedWorkspaces = asked((*client.Client).DeletedWorkspaces, func(w workspace.Workspace) string { return described(w.Name, w.ID) })
)

// asked are names that the control plane tells.
func asked[T any](list func(*client.Client, context.Context) ([]T, error), name func(T) string) offer {
	return func(ctx context.Context, app *backend.App, _ string) ([]string, cobra.ShellCompDirective) {
		control, err := app.Control(ctx)
		if err != nil {
			return nil, noFiles
		}
		defer control.Close()
		found, err := list(control, ctx)
		if err != nil {
			return nil, noFiles
		}
		return named(found, name)
	}
}

func mountpoints(ctx context.Context, app *backend.App, begun string) ([]string, cobra.ShellCompDirective) {
	list, err := app.Mounts(ctx)
	if err != nil {
		return nil, noFiles
	}
	home, here := os.Getenv("HOME"), ""
	if wd, err := os.Getwd(); err == nil {
		here = wd
	}
	var values []string
	for _, m := range list {
		path := m.Mountpoint
		if !filepath.IsAbs(begun) && begun != "" { // as it is being typed
			if rel, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(rel) {
				path = rel
				if strings.HasPrefix(begun, "./") {
					path = "./" + rel
				}
			}
			if rest, ok := strings.CutPrefix(m.Mountpoint, home+"/"); ok && strings.HasPrefix(begun, "~/") {
				path = "~/" + rest
			}
		}
		values = append(values, described(path, m.Workspace+", "+string(m.Health)))
	}
	return values, noFiles
}

func profileNames(_ context.Context, app *backend.App, _ string) ([]string, cobra.ShellCompDirective) {
	list, err := app.Profiles()
	if err != nil {
		return nil, noFiles
	}
	return named(list, func(p backend.Profile) string { return described(p.Name, string(p.Type)) })
}

func contextNames(_ context.Context, app *backend.App, _ string) ([]string, cobra.ShellCompDirective) {
	list, err := app.Contexts()
	if err != nil {
		return nil, noFiles
	}
	return named(list, func(x backend.Context) string { return described(x.Name, x.URL) })
}

// places offers buckets and workspaces, and, once one is typed, what is in it, a folder at a time.
func places(ctx context.Context, app *backend.App, begun string) ([]string, cobra.ShellCompDirective) {
	p := app.Places(backend.PlaceOptions{})
	defer p.Close()
	in, _, deeper := strings.Cut(begun, "/")
	if !deeper {
		var values []string
		if buckets, err := p.Buckets(ctx); err == nil {
			for _, b := range buckets {
				values = append(values, b.Name+"/")
			}
		}
		list, err := app.Workspaces(ctx)
		if err != nil {
			list = app.Remembered()
		}
		for _, w := range list {
			values = append(values, "workspace:"+w.Name+"/")
		}
		return values, goesOn
	}
	n, err := objects.Parse(begun + "*") // what is typed narrows what is asked for: a folder may hold millions
	if err != nil || !n.Remote() {
		return nil, goesOn
	}
	place, err := p.Open(ctx, n, false)
	if err != nil {
		return nil, goesOn
	}
	var values []string
	d := noFiles
	err = objects.Browse(ctx, place, false, func(page []objects.Object) error {
		for _, o := range page {
			values = append(values, in+"/"+objects.Escape(o.Key))
			if o.Prefix {
				d = goesOn
			}
		}
		if len(values) >= completionMost {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, goesOn
	}
	return values, d
}

var errEnough = errors.New("enough")

// anyPlace offers places, and files for what looks like one.
func anyPlace(ctx context.Context, app *backend.App, begun string) ([]string, cobra.ShellCompDirective) {
	if strings.HasPrefix(begun, ".") || strings.HasPrefix(begun, "/") || strings.HasPrefix(begun, "~") {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return places(ctx, app, begun)
}
