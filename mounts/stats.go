package mounts

import (
	"context"
	"time"

	"github.com/artifacts-tui/artifacts-tui/mounts/lower"
	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
)

// Stats is what a mount has done since it was mounted.
type Stats struct {
	Workspace    string    `json:"workspace"`
	Mountpoint   string    `json:"mountpoint"`
	Since        time.Time `json:"since"`
	BytesRead    int64     `json:"bytes_read"`    // by programs; what the kernel still had does not come here
	BytesWritten int64     `json:"bytes_written"` // by programs
	CacheBytes   int64     `json:"cache_bytes"`   // on disk
	CacheLimit   int64     `json:"cache_limit"`

	Cache   lower.Reads    `json:"cache"`
	Store   remote.Traffic `json:"store"`
	Queue   Drain          `json:"queue"`
	Space   *remote.Space  `json:"space,omitempty"` // as it was within the last half minute; nil: nobody knows
	Process Process        `json:"process"`
	Changes *Changes       `json:"changes,omitempty"` // nil: it is of an older version

	// RSS is the memory that the process occupies, in bytes, 0 where the system does not
	// tell; CPUSeconds is what it has computed so far.
	RSS        int64   `json:"rss_bytes"`
	CPUSeconds float64 `json:"cpu_seconds"`
}

// Stats asks a mount's process for its counters.
func (m *Manager) Stats(ctx context.Context, mountpointOrWorkspace string) (Stats, error) {
	s, err := m.Find(ctx, mountpointOrWorkspace)
	if err != nil {
		return Stats{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var stats Stats
	err = dialControl(SocketPath(m.roots, s.ID)).get(ctx, "stats", &stats)
	return stats, m.noAnswer(err, s)
}
