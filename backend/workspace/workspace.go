// Package workspace is the record of a workspace and the rules for its name.
// It imports nothing of this module but internal/.
package workspace

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Backend says whose bucket holds a workspace's data.
type Backend string

// The backends (SPEC A1, A2, A5b).
const (
	Managed Backend = "managed" // a prefix in the coordinator's own bucket
	BYO     Backend = "byo"     // a bucket the user owns
	Mesh    Backend = "mesh"    // a bucket of the mesh store, with the peer's credentials
)

// State is where a workspace is in its life (SPEC B29).
type State string

// The states. Create writes PendingFormat and ends in Active; a create that was cut
// off is taken up again by the same create.
const (
	PendingFormat State = "pending_format"
	Active        State = "active"
	Deleting      State = "deleting"
	Deleted       State = "deleted"
)

// Workspace is what the coordinator keeps about one. It holds nothing secret (SPEC B30).
type Workspace struct {
	ID       string    `json:"id"`   // 16 hex digits, never reused
	Name     string    `json:"name"` // unique among those not deleted
	Backend  Backend   `json:"backend"`
	State    State     `json:"state"`
	Bucket   string    `json:"bucket"`
	Endpoint string    `json:"endpoint,omitempty"` // URL; empty: the coordinator's own store
	Region   string    `json:"region,omitempty"`
	Prefix   string    `json:"prefix,omitempty"` // ends in "/" where not empty
	Owner    string    `json:"owner,omitempty"`  // id of the peer that made it; empty: the local admin
	Quota    int64     `json:"quota,omitempty"`  // bytes, of a managed one; 0: unlimited
	Created  time.Time `json:"created"`
	Deleted  time.Time `json:"deleted,omitzero"`  // when it was; zero: it is not
	Purging  bool      `json:"purging,omitempty"` // its objects are being removed for good
	Known    *Known    `json:"known,omitempty"`

	// What follows is not part of the record.
	Usage      *Usage    `json:"usage,omitempty"`      // nil: not known (byo)
	PurgeAfter time.Time `json:"purge_after,omitzero"` // of a deleted one: when it is removed for good
}

// Known is what a backup knew to be in what was restored from it.
type Known struct {
	Usage
	At time.Time `json:"at"` // of the backup
}

// Missing is what is less than a backup knew, in objects and bytes; nothing where k is nil.
func (k *Known) Missing(now Usage) Usage {
	if k == nil || now.Objects >= k.Objects {
		return Usage{}
	}
	return Usage{Objects: k.Objects - now.Objects, Bytes: max(k.Bytes-now.Bytes, 0)}
}

// Missing tells what a backup knew of a workspace and is not there; empty where nothing is
// missing, or its usage was not asked for.
func (w Workspace) Missing() string {
	if w.Usage == nil {
		return ""
	}
	m := w.Known.Missing(*w.Usage)
	if m.Objects == 0 {
		return ""
	}
	return fmt.Sprintf("%d objects (%d bytes) that the backup of %s knew of are not in this store", m.Objects, m.Bytes, w.Known.At.UTC().Format("2006-01-02 15:04 MST"))
}

// Usage is what a workspace holds in its bucket.
type Usage struct {
	Bytes     int64 `json:"bytes"`
	Objects   int64 `json:"objects"`
	PartBytes int64 `json:"part_bytes,omitempty"` // of parts of uploads in flight; they count against the quota (SPEC B26)
}

// Total is what the quota is held against.
func (u Usage) Total() int64 { return u.Bytes + u.PartBytes }

// Location is bucket/prefix without the trailing slash, for people.
func (w Workspace) Location() string {
	return strings.TrimSuffix(w.Bucket+"/"+w.Prefix, "/")
}

var namePattern = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}$`)

// CheckName refuses a name that breaks SPEC C1.
func CheckName(name string) error {
	if namePattern.MatchString(name) {
		return nil
	}
	return fault.New(fault.Usage, "use 1 to 63 of a-z, A-Z, 0-9, _ and -, beginning with a letter or digit",
		"%q is not a valid workspace name", name)
}
