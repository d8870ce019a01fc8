package coordinator

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/api"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/promtext"
)

// metrics are what /metrics answers, in Prometheus' format (SPEC C20).
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	received prometheus.Counter
	sent     prometheus.Counter
}

// newMetrics draws from storage, which is asked at each scrape.
func newMetrics(o *Orchestrator, audit *auditLog, storage func(context.Context) (Storage, error)) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "artifacts_s3_requests_total", Help: "Requests to the store by method and status.",
		}, []string{"method", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "artifacts_s3_request_seconds", Help: "How long requests to the store took.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30, 120},
		}, []string{"method"}),
		received: prometheus.NewCounter(prometheus.CounterOpts{Name: "artifacts_s3_received_bytes_total", Help: "Bytes of request bodies."}),
		sent:     prometheus.NewCounter(prometheus.CounterOpts{Name: "artifacts_s3_sent_bytes_total", Help: "Bytes of answers."}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.received, m.sent,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&stateCollector{o: o, audit: audit, storage: storage})
	return m
}

// streams adds what is known of the change streams.
func (m *metrics) streams(e *events) {
	counter := func(name, help string, n *atomic.Int64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "artifacts_event_" + name, Help: help}, func() float64 { return float64(n.Load()) })
	}
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "artifacts_event_streams", Help: "Change streams that are open.",
		}, func() float64 { return float64(e.streams()) }),
		counter("sent_total", "Changes that were sent to streams.", &e.sent),
		counter("lost_total", "Times that a stream was told that changes were lost.", &e.lost),
		counter("refused_total", "Streams that were refused because too many were open.", &e.refused),
	)
}

// observe takes a request that the store has answered.
func (m *metrics) observe(r api.Request) {
	method := r.Method
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodDelete:
	default:
		method = "other" // a client chooses its method: it must not choose how many series there are
	}
	m.requests.WithLabelValues(method, strconv.Itoa(r.Status)).Inc()
	m.seconds.WithLabelValues(method).Observe(r.Took.Seconds())
	m.received.Add(float64(r.Received))
	m.sent.Add(float64(r.Sent))
}

func (m *metrics) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	var text bytes.Buffer
	if err := promtext.Write(&text, m.registry); err != nil {
		http.Error(w, "the metrics could not be gathered", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", string(promtext.Format))
	_, _ = text.WriteTo(w) // a scraper that has gone is no error of ours
}

// stateCollector tells of the control state and the store.
type stateCollector struct {
	o       *Orchestrator
	audit   *auditLog
	storage func(context.Context) (Storage, error)
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("artifacts_"+name, help, labels, nil)
}

var (
	storeBytes     = desc("store_bytes", "Bytes of objects and of parts of uploads in flight, in all buckets.")
	storeObjects   = desc("store_objects", "Objects in all buckets.")
	storeMax       = desc("store_max_bytes", "s3.max_size; 0: unlimited.")
	diskFree       = desc("disk_free_bytes", "Free bytes of the volume that holds data_dir.")
	bucketBytes    = desc("bucket_bytes", "Bytes that count against a bucket's quota.", "bucket")
	bucketObjects  = desc("bucket_objects", "Objects of a bucket.", "bucket")
	bucketQuota    = desc("bucket_quota_bytes", "A bucket's quota; 0: unlimited.", "bucket")
	workspaceBytes = desc("workspace_bytes", "Bytes that count against a managed workspace's quota.", "workspace")
	workspaceQuota = desc("workspace_quota_bytes", "A managed workspace's quota; 0: unlimited.", "workspace")
	peersTotal     = desc("peers", "Peers of the mesh.")
	warningsTotal  = desc("warnings", "Things that an admin should see, by kind.", "kind")
	auditFailures  = desc("audit_failures_total", "Times that the audit log could not be written.")
)

// Describe implements prometheus.Collector.
func (c *stateCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		storeBytes, storeObjects, storeMax, diskFree, bucketBytes, bucketObjects, bucketQuota, workspaceBytes, workspaceQuota,
		peersTotal, warningsTotal, auditFailures,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *stateCollector) Collect(ch chan<- prometheus.Metric) {
	ctx := context.Background()
	gauge := func(d *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	s, err := c.storage(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(storeBytes, err)
		return
	}
	gauge(storeBytes, s.Total())
	gauge(storeObjects, s.Objects)
	gauge(storeMax, s.MaxSize)
	gauge(diskFree, s.Disk.Free)
	buckets, err := c.o.Buckets(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(bucketBytes, err)
		return
	}
	for _, b := range buckets {
		gauge(bucketBytes, b.Used, b.Name)
		gauge(bucketObjects, b.Objects, b.Name)
		gauge(bucketQuota, b.Quota, b.Name)
	}
	managed, err := c.o.Workspaces(ctx, func(w workspace.Workspace) bool { return w.Backend == workspace.Managed && Present(w) }, true)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(workspaceBytes, err)
		return
	}
	for _, w := range managed {
		gauge(workspaceBytes, w.Usage.Total(), w.Name)
		gauge(workspaceQuota, w.Quota, w.Name)
	}
	gauge(peersTotal, int64(len(c.o.Peers())))
	kinds := map[string]int64{"quota": 0, "damage": 0, "missing": 0, "disk": 0, "listen": 0, "certificate": 0, "audit": 0}
	for _, w := range s.Warnings {
		kinds[w.Kind]++
	}
	for kind, n := range kinds {
		gauge(warningsTotal, n, kind)
	}
	ch <- prometheus.MustNewConstMetric(auditFailures, prometheus.CounterValue, float64(c.audit.failed.Load()))
}
