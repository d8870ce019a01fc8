package bolt

import (
	"fmt"
	"runtime/debug"

	"go.etcd.io/bbolt"
)

// Probe reads every page of the file at path, which nobody has open, and changes nothing. bbolt
// ends the program where Open meets a page that is none; here that is an error.
func Probe(path string) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s has pages that are none: %v", path, p)
		}
	}()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait, ReadOnly: true, InitialMmapSize: mmapSize})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, table *bbolt.Bucket) error {
			_ = last(name)
			return table.ForEach(func(key, value []byte) error {
				_, _ = last(key), last(value)
				return nil
			})
		})
	})
}

// last faults where b, a piece of a page, does not end in the file.
//
//go:noinline
func last(b []byte) byte {
	if len(b) == 0 {
		return 0
	}
	return b[len(b)-1]
}
