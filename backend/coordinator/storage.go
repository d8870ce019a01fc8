package coordinator

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/engines"
	"github.com/artifacts-tui/artifacts-tui/backend/store/local"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
)

// openStore opens the store on the engines that c names; idle: see store.Options, and nobody
// else may have it.
func openStore(ctx context.Context, c config.Config, log *slog.Logger, idle bool) (*store.Store, error) {
	o, err := c.Engines()
	if err != nil {
		return nil, err
	}
	o.Log, o.Idle, o.Alone = log, idle, idle
	return engines.Open(ctx, o)
}

// Storage is what the store holds as a whole (SPEC B20).
type Storage struct {
	store.Usage
	MaxSize    int64     `json:"max_size"` // bytes of all buckets; 0: unlimited
	Buckets    int       `json:"buckets"`
	Workspaces int       `json:"workspaces"` // managed, deleted ones too: they take space until they are purged
	Deleted    int       `json:"deleted"`    // of Workspaces
	Disk       Disk      `json:"disk"`
	Warnings   []Warning `json:"warnings"`
}

// Disk is the volume that holds the bytes, or data_dir where they are in a bucket; in bytes.
type Disk struct {
	Total int64 `json:"total"`
	Free  int64 `json:"free"`
}

// Warning is something that an admin should see.
type Warning struct {
	Kind    string `json:"kind"` // quota, damage, missing, disk, listen, certificate, audit
	Subject string `json:"subject"`
	Message string `json:"message"`
}

// The marks of a quota that are reported (SPEC B25).
const (
	markNear = 80 // per cent
	markFull = 95
)

// marked is the mark that used has passed, 0 where it has passed none.
func marked(used, quota int64) int {
	if quota <= 0 {
		return 0
	}
	switch share := float64(used) / float64(quota) * 100; {
	case share >= markFull:
		return markFull
	case share >= markNear:
		return markNear
	}
	return 0
}

// quotaWarning is nil where no mark is passed.
func quotaWarning(what string, used, quota int64) []Warning {
	m := marked(used, quota)
	if m == 0 {
		return nil
	}
	return []Warning{{Kind: "quota", Subject: what, Message: fmt.Sprintf("%s is past %d %% of its quota: %d of %d bytes", what, m, used, quota)}}
}

// storage sums up the store; dir is a folder on the disk that its bytes fill.
func (o *Orchestrator) storage(ctx context.Context, dir string) (Storage, error) {
	s := Storage{MaxSize: o.store.MaxSize()}
	var err error
	if s.Usage, err = o.store.Usage(ctx); err != nil {
		return s, err
	}
	buckets, err := o.Buckets(ctx)
	if err != nil {
		return s, err
	}
	s.Buckets = len(buckets)
	managed, err := o.Workspaces(ctx, func(w workspace.Workspace) bool { return w.Backend == workspace.Managed }, true)
	if err != nil {
		return s, err
	}
	s.Workspaces = len(managed)
	for _, w := range managed {
		if w.State == workspace.Deleted {
			s.Deleted++
		}
	}
	if s.Disk.Total, s.Disk.Free, err = local.Volume(dir); err != nil {
		return s, err
	}
	s.Warnings = o.warnings(s, buckets, managed)
	return s, nil
}

// warnings is never nil: as JSON it is an array, of nothing where all is well.
func (o *Orchestrator) warnings(s Storage, buckets []Bucket, managed []workspace.Workspace) []Warning {
	list := append([]Warning{}, quotaWarning("the store", s.Total(), s.MaxSize)...)
	if room, tight := o.store.Room(); tight {
		message := fmt.Sprintf("the store's disk is almost full: clients may write %d bytes more; %d are free, and the rest is kept for control state", room, s.Disk.Free)
		if room == 0 {
			message = fmt.Sprintf("the store's disk is full: the %d bytes that are free are kept for control state, and writes are refused", s.Disk.Free)
		}
		list = append(list, Warning{Kind: "disk", Subject: "the store's disk", Message: message})
	}
	for _, b := range buckets {
		list = append(list, quotaWarning("bucket "+b.Name, b.Used, b.Quota)...)
		if b.Missing != nil {
			list = append(list, missing("bucket "+b.Name, *b.Missing, b.KnownAt))
		}
	}
	for _, w := range managed {
		if w.Usage == nil {
			continue
		}
		list = append(list, quotaWarning("workspace "+w.Name, w.Usage.Total(), w.Quota)...)
		if m := w.Missing(); m != "" {
			list = append(list, Warning{Kind: "missing", Subject: "workspace " + w.Name, Message: "workspace " + w.Name + ": " + m})
		}
	}
	damage := o.Damage()
	for _, key := range slices.Sorted(maps.Keys(damage)) {
		list = append(list, Warning{Kind: "damage", Subject: key, Message: fmt.Sprintf("document %s of the system bucket is damaged; %s", key, damage[key])})
	}
	return list
}

func missing(what string, m workspace.Usage, at time.Time) Warning {
	return Warning{Kind: "missing", Subject: what, Message: fmt.Sprintf("%s: %d objects (%d bytes) that the backup of %s knew of are not in this store",
		what, m.Objects, m.Bytes, at.UTC().Format("2006-01-02 15:04 MST"))}
}

// Damage is what was found wrong with the documents of the control state.
func (o *Orchestrator) Damage() map[string]string {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.state.docs.Damage()
}
