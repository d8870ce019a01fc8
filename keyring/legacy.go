package keyring

import (
	"errors"
	"os"
	"path/filepath"
)

// legacyMark says that the file at the former path was looked at: what is cleared later must
// not come back.
const legacyMark = ".legacy-imported"

// LegacyPath is where the cache was before it moved into the config root.
func LegacyPath(home string) string { return filepath.Join(home, ".config", "artifacts", FileName) }

// ImportLegacy copies the pair of a former version's file into the cache, once and only where the
// cache has none yet. It reports whether it did; the former file stays as it is.
func (c Cache) ImportLegacy(path string) (bool, error) {
	mark := filepath.Join(filepath.Dir(c.Path), legacyMark)
	if _, err := os.Lstat(path); err != nil || path == c.Path {
		return false, nil //nolint:nilerr // nothing there, or nothing that can be reached
	}
	if _, err := os.Lstat(mark); err == nil {
		return false, nil
	}
	if _, err := c.Stat(); !errors.Is(err, ErrNotFound) {
		return false, nil //nolint:nilerr // whatever is there is newer
	}
	e, err := Cache{Path: path, Warn: c.Warn}.Load()
	if err != nil {
		return false, err
	}
	if err := os.MkdirAll(filepath.Dir(c.Path), 0o700); err != nil {
		return false, err
	}
	if err := c.Save(e.Credentials); err != nil {
		return false, err
	}
	return true, writePrivate(mark, "")
}
