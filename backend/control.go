package backend

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/backup"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/client"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/internal/atomicfile"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// Control opens the control plane of the coordinator: buckets, peers, roles and shares. The
// caller closes it.
func (a *App) Control(ctx context.Context) (*client.Client, error) {
	link, err := a.connect(ctx)
	if err == nil {
		link.OnRotate(func(p coordinator.NewPeer) { a.keepToken(link, p) })
	}
	return link.Client, err
}

// keepToken goes on with the new token of the peer that this user is. Where it cannot be kept that is
// told, and the token is still printed.
func (a *App) keepToken(link coordinatorLink, p coordinator.NewPeer) {
	if p.ID != link.id.Peer {
		return
	}
	token := keyring.NewSecret(p.Token)
	err := error(nil)
	if link.target.context.Name != "" {
		err = a.contexts.Renew(link.id.Coordinator, p.ID, token)
	} else {
		err = a.identities.Renew(link.id.Coordinator, token)
	}
	if err != nil && a.opt.Notify != nil {
		a.opt.Notify("warning: that is the peer you are, and its new token could not be kept here: " + fault.As(err).Error())
	}
}

// Backup writes a backup of the coordinator's control state to path, encrypted where there
// is a passphrase. It refuses a path that exists unless overwrite is set (SPEC B18).
func (a *App) Backup(ctx context.Context, path, passphrase string, overwrite bool) (backup.Manifest, error) {
	_, absent := os.Lstat(path)
	switch info, err := os.Stat(path); {
	case path == "-":
		return backup.Manifest{}, fault.New(fault.Usage, "give a name; ./- is a file of that name", "a backup is written to a file, not to standard output")
	case err == nil && !info.Mode().IsRegular(): // with a rename it would be replaced
		return backup.Manifest{}, fault.New(fault.Usage, "give the name of a file that is to be made", "%s is not a file", path)
	case absent == nil && !overwrite:
		return backup.Manifest{}, fault.New(fault.Conflict, "give another name, or add --force", "%s exists already", path)
	}
	control, err := a.Control(ctx)
	if err != nil {
		return backup.Manifest{}, err
	}
	defer control.Close()
	archive, err := control.Backup(ctx)
	if err != nil {
		return backup.Manifest{}, err
	}
	contents, err := coordinator.ReadBackup(archive)
	if err != nil {
		return backup.Manifest{}, err
	}
	file, err := backup.Seal(archive, passphrase)
	if err != nil {
		return backup.Manifest{}, err
	}
	if err := atomicfile.Write(path, file, 0o600); err != nil {
		return backup.Manifest{}, fault.Wrap(fault.Failure, err, "choose a path that you may write, on a disk with room for it", "cannot write the backup")
	}
	return contents.Manifest, nil
}

// BackupEncrypted reports whether a backup needs a passphrase.
func BackupEncrypted(path string) (bool, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return false, nil
	}
	file, err := readBackupFile(path)
	if err != nil {
		return false, err
	}
	return backup.Encrypted(file)
}

func readBackupFile(path string) ([]byte, error) {
	file, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "give a file that `artifacts-tui coordinator backup` wrote", "%s does not exist", path)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Failure, err, "make it readable", "cannot read the backup")
	}
	return file, nil
}

// ReadBackup verifies a backup as a whole (SPEC B18): a file that Backup wrote, or a folder
// that holds a copy of the system bucket.
func ReadBackup(path, passphrase string) (backup.Contents, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return coordinator.ReadSyncedBucket(path)
	}
	file, err := readBackupFile(path)
	if err != nil {
		return backup.Contents{}, err
	}
	archive, err := backup.Open(file, passphrase)
	if err != nil {
		return backup.Contents{}, err
	}
	return coordinator.ReadBackup(archive)
}

// MendDocuments brings back what is damaged of a stopped coordinator's control state, from a backup.
func MendDocuments(ctx context.Context, path, passphrase string, to config.Config, dropLost bool) (coordinator.Mended, error) {
	c, err := ReadBackup(path, passphrase)
	if err != nil {
		return coordinator.Mended{}, err
	}
	return coordinator.MendDocuments(ctx, to, c, dropLost)
}

// RestoreBackup makes a data_dir of a backup (SPEC B16).
func RestoreBackup(ctx context.Context, path, passphrase, dataDir string) (backup.Contents, error) {
	c, err := ReadBackup(path, passphrase)
	if err != nil {
		return c, err
	}
	abs, err := filepath.Abs(dataDir)
	if err != nil {
		return c, err
	}
	return c, coordinator.Restore(ctx, abs, c)
}
