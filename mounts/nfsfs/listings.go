package nfsfs

import (
	"io/fs"
	"math/rand/v2"
	"slices"
	"sync"
)

// listingsMost is how many directories can be read at a time without beginning anew.
const listingsMost = 16

// listings are the directories being read, page by page: a page is a part of one listing,
// whatever is made and removed meanwhile.
type listings struct {
	mu    sync.Mutex
	kept  map[uint64][]fs.FileInfo
	order []uint64 // oldest first
}

// keep returns the verifier under which contents is found again.
func (l *listings) keep(contents []fs.FileInfo) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept == nil {
		l.kept = map[uint64][]fs.FileInfo{}
	}
	verifier := rand.Uint64() | 1 // 0 is none
	l.kept[verifier] = contents
	l.order = append(l.order, verifier)
	if len(l.order) > listingsMost {
		delete(l.kept, l.order[0])
		l.order = slices.Delete(l.order, 0, 1)
	}
	return verifier
}

func (l *listings) get(verifier uint64) []fs.FileInfo {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept[verifier]
}
