package local_test

import (
	"os"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/local"
	"github.com/artifacts-tui/artifacts-tui/backend/store/storetest"
)

func open(place string, maxSize int64) (*store.Store, error) {
	return local.Open(local.Options{Dir: place, MaxSize: maxSize})
}

func TestMain(m *testing.M) {
	storetest.Child(open)
	os.Exit(m.Run())
}

// SPEC B13, B24, B25, B26, E9
func TestContract(t *testing.T) { storetest.Run(t, open) }
