package bolt

import (
	"errors"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// bbolt never shrinks its file: pages that deletes freed are used again, and only by it. A
// file of compactFrom bytes of which three quarters are free is written anew when it is opened.
const compactFrom = 64 << 20

// compactTx bounds what one transaction of a compaction holds in memory, in bytes.
const compactTx = 16 << 20

// roomy reports whether most of the file is free.
func roomy(db *bbolt.DB, size int64) bool {
	free := int64(db.Stats().FreePageN) * int64(db.Info().PageSize)
	return size >= compactFrom && free > size/4*3
}

// compact writes the records of db to a new file, durably. After an error there is none.
func compact(db *bbolt.DB, fresh string) (err error) {
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	to, err := bbolt.Open(fresh, 0o600, &bbolt.Options{NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, NoSync: true})
	if err != nil {
		return err
	}
	err = bbolt.Compact(to, db, compactTx)
	if err == nil {
		err = to.Sync()
	}
	if err = errors.Join(err, to.Close()); err != nil {
		_ = os.Remove(fresh)
	}
	return err
}

// replace gives fresh the name of the file at path, durably. Whatever its error, the old file
// must not be written any more: it may have no name.
func replace(fresh, path string) error {
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err == nil {
		err = errors.Join(d.Sync(), d.Close())
	}
	return err
}
