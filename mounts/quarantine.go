package mounts

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// Quarantined is a file that a mount set aside after a crash rather than upload it.
type Quarantined = upper.Quarantined

// Quarantine lists what is set aside of the workspace with this id, oldest first.
func (m *Manager) Quarantine(id string) ([]Quarantined, error) {
	return upper.ReadQuarantine(StagingDir(m.roots, id))
}

// FindQuarantined returns the one file of workspace id whose name begins or ends with name:
// fault.NotFound, or fault.Usage where several do.
func (m *Manager) FindQuarantined(id, name string) (Quarantined, error) {
	list, err := m.Quarantine(id)
	if err != nil {
		return Quarantined{}, err
	}
	var found []Quarantined
	for _, q := range list {
		if q.File == name {
			return q, nil
		}
		if name != "" && (strings.HasPrefix(q.File, name) || strings.HasSuffix(q.File, name)) {
			found = append(found, q)
		}
	}
	const hint = "'artifacts mount quarantine list' shows their names"
	switch len(found) {
	case 0:
		return Quarantined{}, fault.New(fault.NotFound, hint, "nothing in quarantine is named %q", name)
	case 1:
		return found[0], nil
	}
	return Quarantined{}, fault.New(fault.Usage, hint, "%d files in quarantine are named %q", len(found), name)
}

// OpenQuarantined opens the bytes of q, a file of workspace id.
func (m *Manager) OpenQuarantined(id string, q Quarantined) (*os.File, error) {
	return os.Open(upper.QuarantinedPath(StagingDir(m.roots, id), q.File))
}

// DiscardQuarantined deletes q for good.
func (m *Manager) DiscardQuarantined(id string, q Quarantined) error {
	return os.Remove(upper.QuarantinedPath(StagingDir(m.roots, id), q.File))
}

// RestoreQuarantined writes q's bytes to target, which must not exist, durably, and then takes
// q out of quarantine. head gives the bytes before q.Offset; it may be nil where that is 0.
func (m *Manager) RestoreQuarantined(id string, q Quarantined, target string, head io.Reader) (err error) {
	src, err := m.OpenQuarantined(id, q)
	if err != nil {
		return err
	}
	defer src.Close()
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return fault.Wrap(fault.Failure, err, "give another path with --to", "cannot restore")
	}
	dst, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fault.Wrap(fault.Conflict, err, "give another path with --to", "cannot restore")
	}
	defer func() {
		if err != nil {
			_ = os.Remove(target)
		}
	}()
	if q.Offset > 0 {
		_, err = io.CopyN(dst, head, q.Offset)
	}
	if err == nil {
		_, err = io.Copy(dst, src)
	}
	if err == nil {
		err = dst.Sync()
	}
	if cerr := dst.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fault.Wrap(fault.Failure, err, "it stays in quarantine", "cannot restore %s", target)
	}
	return m.DiscardQuarantined(id, q)
}
