package upper

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// Stats counts what is on its way.
func (f *FS) Stats() Stats {
	quarantined := f.countQuarantined() // a person may have taken some out
	f.mu.Lock()
	defer f.mu.Unlock()
	s := Stats{
		StagingBytes: f.st.room.used.Load(), StagingLimit: f.st.room.limit(),
		InProgress: f.q.running, Failed: len(f.q.failed), Quarantined: quarantined, OpenHandles: f.handles,
		PendingBytes: f.q.bytes, UploadedBytes: f.uploadedBytes.Load(), CleanBytes: f.cleanBytes,
		BytesRead: f.bytesRead.Load(), BytesWritten: f.bytesWritten.Load(), Conflicts: slices.Clone(f.conflicts),
	}
	failed := slices.SortedFunc(maps.Keys(f.q.failed), func(a, b *op) int { return cmp.Compare(a.id, b.id) })
	for _, o := range failed {
		if o.running {
			s.Failed-- // it is in progress again
		}
		if len(s.Failures) < 100 {
			s.Failures = append(s.Failures, Failure{Path: o.shownPath(), Reason: o.err.Error()})
		}
	}
	for n := range f.unrecorded {
		s.Failed++
		if len(s.Failures) < 100 {
			s.Failures = append(s.Failures, Failure{Path: n.path(), Reason: "the close could not be recorded on the local disk"})
		}
	}
	s.Queued = len(f.q.ops) - s.InProgress - (s.Failed - len(f.unrecorded))
	if f.q.down {
		s.Unreachable = "since " + f.q.downFrom.Format(time.TimeOnly) + ": " + f.q.downWhy
	}
	return s
}

// Waiting names up to n paths with changes that the store does not have, oldest first.
func (f *FS) Waiting(n int) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var paths []string
	for _, id := range slices.Sorted(maps.Keys(f.q.ops)) {
		if path := f.q.ops[id].shownPath(); !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
		if len(paths) == n {
			break
		}
	}
	return paths
}

// shownPath is the path under which the mount shows what o changes.
func (o *op) shownPath() string {
	if o.kind == opSheet {
		return "attributes in " + sheetDir(o.key) + "/"
	}
	if o.dst != "" {
		return strings.TrimSuffix(o.dst, SymlinkSuffix)
	}
	return strings.TrimSuffix(strings.TrimSuffix(o.key, "/"), SymlinkSuffix)
}
