package mounts

import (
	"context"
	"errors"
	"os"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// List returns every mount of this user's, stale ones included, ordered by mountpoint.
// It asks the processes and the mount table and touches no mountpoint that answers; each
// process has 2 s.
func (m *Manager) List(ctx context.Context) ([]Status, error) {
	entries, err := table()
	if err != nil {
		return nil, err
	}
	ids, err := m.sockets()
	if err != nil {
		return nil, err
	}
	answers := m.ask(ctx, ids)
	var list []Status
	seen, told := map[string]bool{}, map[string]bool{}
	for _, e := range entries {
		a, asked := answers[e.id]
		switch {
		case asked && a.err == nil && a.status.Mountpoint == e.mountpoint:
			list = append(list, a.status)
			seen[e.id] = true
		case asked && a.err != nil && !errors.Is(a.err, errNoProcess):
			s := e.status(Degraded, "the mount process does not answer")
			s.Log = LogPath(m.roots, e.id)
			list = append(list, s)
			seen[e.id] = true
		case e.stale(ctx, asked && errors.Is(a.err, errNoProcess)):
			s := e.status(Stale, "the mount process is gone; what it had not uploaded is kept")
			if spec, ok := m.saved(e.id); ok && spec.Mountpoint == e.mountpoint {
				s.Spec = spec
			}
			s.Log = LogPath(m.roots, e.id)
			list = append(list, s)
			told[e.id] = true
		}
	}
	for id, a := range answers {
		if a.err == nil && !seen[id] { // detached, and draining
			list = append(list, a.status)
		}
		if errors.Is(a.err, errNoProcess) {
			m.sweep(id)
		} else {
			told[id] = true // there is a process
		}
	}
	left, err := m.left(told)
	if err != nil {
		return nil, err
	}
	list = append(list, left...)
	sort.SliceStable(list, func(i, j int) bool { return list[i].Mountpoint < list[j].Mountpoint }) // what is mounted first
	return list, ctx.Err()
}

// Find returns the mount at a mountpoint or of a workspace (its name or id); fault.NotFound where
// there is none, fault.Conflict where a name is that of workspaces of several coordinators.
func (m *Manager) Find(ctx context.Context, mountpointOrWorkspace string) (Status, error) {
	list, err := m.List(ctx)
	if err != nil {
		return Status{}, err
	}
	path := ""
	if strings.Contains(mountpointOrWorkspace, "/") || strings.HasPrefix(mountpointOrWorkspace, ".") {
		if path, err = realPath(mountpointOrWorkspace); err != nil {
			return Status{}, err
		}
	}
	var named []Status
	for _, s := range list {
		switch {
		case path != "" && s.Mountpoint == path, path == "" && s.ID == mountpointOrWorkspace:
			return s, nil
		case path == "" && s.Workspace == mountpointOrWorkspace:
			named = append(named, s)
		}
	}
	if mounted := slices.DeleteFunc(slices.Clone(named), func(s Status) bool { return s.Unmounted }); len(mounted) > 0 {
		named = mounted
	}
	switch {
	case len(named) == 0:
		return Status{}, fault.New(fault.NotFound, "'artifacts mount list' shows what is mounted", "nothing of ours is mounted at %s", mountpointOrWorkspace)
	case slices.ContainsFunc(named, func(s Status) bool { return s.ID != named[0].ID }):
		return Status{}, fault.New(fault.Conflict, "give the mountpoint; 'artifacts mount list' shows them", "several workspaces named %s are mounted", mountpointOrWorkspace)
	}
	return named[0], nil
}

// sweep removes the socket of a process that is gone. A fresh one is left alone: it may be
// that of a process that is just starting.
func (m *Manager) sweep(id string) {
	path := SocketPath(m.roots, id)
	if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) > time.Minute {
		_ = os.Remove(path)
	}
}

type answer struct {
	status Status
	err    error
}

// sockets are the ids of workspaces whose mount process left or has a socket.
func (m *Manager) sockets() ([]string, error) {
	files, err := os.ReadDir(RunDir(m.roots))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var ids []string
	for _, f := range files {
		if id, ok := strings.CutSuffix(f.Name(), socketSuffix); ok {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// ask asks all at once.
func (m *Manager) ask(ctx context.Context, ids []string) map[string]answer {
	var (
		mu      sync.Mutex
		wg      sync.WaitGroup
		answers = make(map[string]answer, len(ids))
	)
	for _, id := range ids {
		wg.Go(func() {
			s, err := dialControl(SocketPath(m.roots, id)).status(ctx)
			mu.Lock()
			defer mu.Unlock()
			answers[id] = answer{s, err}
		})
	}
	wg.Wait()
	return answers
}

// status is what the mount table alone tells.
func (e entry) status(h Health, reason string) Status {
	return Status{
		Spec:   Spec{ID: e.id, Workspace: e.workspace, Mountpoint: e.mountpoint},
		Health: h, Reason: reason,
	}
}
