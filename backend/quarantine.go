package backend

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// QuarantinedFile is a file that was set aside after a crash, of which workspace.
type QuarantinedFile struct {
	Workspace string `json:"workspace"` // its name; its id where the coordinator does not know it
	mounts.Quarantined
}

// Quarantine lists what was set aside of a workspace, or with "" of all that this machine
// has a staging folder of.
func (a *App) Quarantine(ctx context.Context, name string) ([]QuarantinedFile, error) {
	ids := map[string]string{} // id → name
	if name != "" {
		id, err := a.workspaceID(ctx, name)
		if err != nil {
			return nil, err
		}
		ids[id] = name
	} else {
		folders, err := os.ReadDir(filepath.Dir(mounts.StagingDir(a.opt.Roots, "any")))
		if err != nil && !os.IsNotExist(err) {
			return nil, err
		}
		for _, f := range folders {
			ids[f.Name()] = f.Name()
		}
		for _, w := range a.Remembered() {
			if _, ok := ids[w.ID]; ok {
				ids[w.ID] = w.Name
			}
		}
	}
	var list []QuarantinedFile
	for id, name := range ids {
		files, err := a.mounts.Quarantine(id)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			list = append(list, QuarantinedFile{Workspace: name, Quarantined: f})
		}
	}
	return list, nil
}

// workspaceID finds an id by name: this machine's memory first, so that it works without a
// coordinator, or the id itself where a staging folder has it.
func (a *App) workspaceID(ctx context.Context, name string) (string, error) {
	for _, w := range a.Remembered() {
		if w.Name == name || w.ID == name {
			return w.ID, nil
		}
	}
	if info, err := os.Stat(mounts.StagingDir(a.opt.Roots, filepath.Base(name))); err == nil && info.IsDir() {
		return filepath.Base(name), nil
	}
	w, err := a.Workspace(ctx, name)
	return w.ID, err
}

// Quarantined finds one file, by the beginning or end of its name, and opens it.
func (a *App) Quarantined(ctx context.Context, workspace, file string) (mounts.Quarantined, io.ReadCloser, error) {
	id, err := a.workspaceID(ctx, workspace)
	if err != nil {
		return mounts.Quarantined{}, nil, err
	}
	q, err := a.mounts.FindQuarantined(id, file)
	if err != nil {
		return q, nil, err
	}
	f, err := a.mounts.OpenQuarantined(id, q)
	return q, f, err
}

// DiscardQuarantined deletes a file that was set aside, for good.
func (a *App) DiscardQuarantined(ctx context.Context, workspace, file string) (mounts.Quarantined, error) {
	id, err := a.workspaceID(ctx, workspace)
	if err != nil {
		return mounts.Quarantined{}, err
	}
	q, err := a.mounts.FindQuarantined(id, file)
	if err != nil {
		return q, err
	}
	return q, a.mounts.DiscardQuarantined(id, q)
}

// RestoreQuarantined brings a file back and returns where it is: to, or its path in the
// workspace's mount. A file that is there stays: the restored one is then named beside it,
// with ".restored" after its name. It refuses with NotFound, Usage and Conflict.
func (a *App) RestoreQuarantined(ctx context.Context, workspace, file, to string) (string, error) {
	id, err := a.workspaceID(ctx, workspace)
	if err != nil {
		return "", err
	}
	q, err := a.mounts.FindQuarantined(id, file)
	if err != nil {
		return "", err
	}
	origin := ""
	if m, err := a.mounts.Find(ctx, id); err == nil && m.PID != 0 && q.Path != "" {
		origin = filepath.Join(m.Mountpoint, q.Path)
	}
	var target string
	switch {
	case to != "":
		if target, err = filepath.Abs(to); err != nil {
			return "", err
		}
	case q.Path == "":
		return "", fault.New(fault.Usage, "--to FILE says where", "it is not known which file %s was", q.File)
	case origin == "":
		return "", fault.New(fault.Usage, "mount it, or say where with --to FILE", "workspace %s is not mounted", workspace)
	default:
		target = origin
		if _, err := os.Lstat(target); err == nil {
			target += ".restored"
		}
	}
	var head io.Reader
	if q.Offset > 0 {
		if origin == "" {
			return "", fault.New(fault.Usage, "mount the workspace first, or use `mount quarantine show --content`",
				"%s holds only the bytes from %d on", q.File, q.Offset)
		}
		f, err := os.Open(origin)
		if err != nil {
			return "", fault.Wrap(fault.NotFound, err, "`mount quarantine show --content` prints what there is", "the first %d bytes are missing", q.Offset)
		}
		defer f.Close()
		head = f
	}
	return target, a.mounts.RestoreQuarantined(id, q, target, head)
}
