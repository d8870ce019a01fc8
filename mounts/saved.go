package mounts

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/internal/atomicfile"
	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
)

// savedFile is in a staging folder for as long as its mount has not ended with everything in
// the store: it says what the next mount, or a repair, has to go on with. Nothing in it is secret.
const savedFile = "mount.json"

func savedPath(roots xdg.Roots, id string) string {
	return filepath.Join(StagingDir(roots, id), savedFile)
}

// SaveSpec notes that spec is being served. A repair mounts within the state root for as long as
// it takes: that is no place to remember.
func SaveSpec(roots xdg.Roots, spec Spec) error {
	if strings.HasPrefix(spec.Mountpoint, roots.State+"/") {
		if _, err := os.Stat(savedPath(roots, spec.ID)); err == nil {
			return nil
		}
		spec.Mountpoint = ""
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	return atomicfile.Write(savedPath(roots, spec.ID), text, 0o600)
}

// ForgetSpec notes that the mount of workspace id has ended, and the store has everything.
func ForgetSpec(roots xdg.Roots, id string) error {
	if err := os.Remove(savedPath(roots, id)); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// saved is the spec of the workspace's last mount, where that did not end well.
func (m *Manager) saved(id string) (Spec, bool) {
	var spec Spec
	text, err := os.ReadFile(savedPath(m.roots, id))
	return spec, err == nil && json.Unmarshal(text, &spec) == nil && spec.ID == id
}

// left are the mounts that are in no mount table any more, and whose process is gone, but
// did not end well: after a power loss, or an unmount that could not upload everything. known
// are the ids of those that something else tells of.
func (m *Manager) left(known map[string]bool) ([]Status, error) {
	folders, err := os.ReadDir(filepath.Dir(StagingDir(m.roots, "any")))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var list []Status
	for _, f := range folders {
		spec, ok := m.saved(f.Name())
		if !ok || known[spec.ID] {
			continue
		}
		list = append(list, Status{
			Spec: spec, Health: Stale, Unmounted: true, Log: LogPath(m.roots, spec.ID),
			Reason: "it is not mounted any more; what it had not uploaded is kept",
		})
	}
	return list, nil
}
