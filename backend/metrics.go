package backend

import (
	"context"
	"io"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/artifacts-tui/artifacts-tui/internal/promtext"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// WriteMetrics writes what the mounts of this machine do in Prometheus' text format (SPEC C20).
func (a *App) WriteMetrics(ctx context.Context, w io.Writer) error {
	list, err := a.Mounts(ctx)
	if err != nil {
		return err
	}
	r := prometheus.NewRegistry()
	r.MustRegister(&mountCollector{ctx: ctx, app: a, list: list})
	return promtext.Write(w, r)
}

// mountCollector asks each mount once.
type mountCollector struct {
	ctx  context.Context
	app  *App
	list []mounts.Status
}

// mountMetric is one series of each mount.
type mountMetric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(mounts.Status, mounts.Stats) float64
}

func mountDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("artifacts_mount_"+name, help, []string{"workspace", "mountpoint"}, nil)
}

var mountHealth = prometheus.NewDesc("artifacts_mount_health", "1 for the health that a mount has: ok, busy, degraded or stale.",
	[]string{"workspace", "mountpoint", "health"}, nil)

var mountMetrics = []mountMetric{
	{mountDesc("queued", "Changes that wait to be uploaded."), prometheus.GaugeValue, func(s mounts.Status, _ mounts.Stats) float64 { return float64(s.Queued) }},
	{mountDesc("in_progress", "Changes that are being uploaded."), prometheus.GaugeValue, func(s mounts.Status, _ mounts.Stats) float64 { return float64(s.InProgress) }},
	{mountDesc("failed", "Changes that the store refused; they are kept and tried again."), prometheus.GaugeValue, func(s mounts.Status, _ mounts.Stats) float64 { return float64(s.Failed) }},
	{mountDesc("changes_live", "1 while the coordinator tells the mount of changes; else listings are made anew after the directory cache time."), prometheus.GaugeValue, func(s mounts.Status, _ mounts.Stats) float64 {
		if s.Changes != nil && s.Changes.State == mounts.ChangesLive {
			return 1
		}
		return 0
	}},
	{mountDesc("quarantined", "Files set aside after a crash."), prometheus.GaugeValue, func(s mounts.Status, _ mounts.Stats) float64 { return float64(s.Quarantined) }},
	{mountDesc("pending_bytes", "Bytes that are not in the store yet."), prometheus.GaugeValue, func(s mounts.Status, _ mounts.Stats) float64 { return float64(s.PendingBytes) }},
	{mountDesc("staging_bytes", "Bytes of the staging folder."), prometheus.GaugeValue, func(s mounts.Status, _ mounts.Stats) float64 { return float64(s.StagingBytes) }},
	{mountDesc("staging_limit_bytes", "What the staging folder may hold."), prometheus.GaugeValue, func(s mounts.Status, _ mounts.Stats) float64 { return float64(s.StagingLimit) }},
	{mountDesc("cache_bytes", "Bytes of the read cache."), prometheus.GaugeValue, func(s mounts.Status, _ mounts.Stats) float64 { return float64(s.CacheBytes) }},
	{mountDesc("read_bytes_total", "Bytes that programs read."), prometheus.CounterValue, func(s mounts.Status, _ mounts.Stats) float64 { return float64(s.BytesRead) }},
	{mountDesc("written_bytes_total", "Bytes that programs wrote."), prometheus.CounterValue, func(s mounts.Status, _ mounts.Stats) float64 { return float64(s.BytesWritten) }},
	{mountDesc("uploaded_bytes_total", "Bytes that reached the store."), prometheus.CounterValue, func(s mounts.Status, _ mounts.Stats) float64 { return float64(s.Uploaded) }},
	{mountDesc("open_files", "Handles that programs hold."), prometheus.GaugeValue, func(s mounts.Status, _ mounts.Stats) float64 { return float64(s.OpenFiles) }},
	{mountDesc("resident_memory_bytes", "Memory of the mount process."), prometheus.GaugeValue, func(_ mounts.Status, t mounts.Stats) float64 { return float64(t.RSS) }},
	{mountDesc("cpu_seconds_total", "What the mount process has computed."), prometheus.CounterValue, func(_ mounts.Status, t mounts.Stats) float64 { return t.CPUSeconds }},
}

// Describe implements prometheus.Collector.
func (c *mountCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- mountHealth
	for _, m := range mountMetrics {
		ch <- m.desc
	}
}

// Collect implements prometheus.Collector. Of a mount whose process does not answer there is
// its health alone.
func (c *mountCollector) Collect(ch chan<- prometheus.Metric) {
	for _, s := range c.list {
		ch <- prometheus.MustNewConstMetric(mountHealth, prometheus.GaugeValue, 1, s.Workspace, s.Mountpoint, string(s.Health))
		stats, err := c.app.mounts.Stats(c.ctx, s.Mountpoint)
		if err != nil {
			continue
		}
		for _, m := range mountMetrics {
			ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(s, stats), s.Workspace, s.Mountpoint)
		}
	}
}
