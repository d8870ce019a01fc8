package coordinator

import (
	"net/http"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/api"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// s3Path is where the store is served, whatever the host and port (SPEC B1).
const s3Path = "/s3"

func newS3(s *store.Store, o *Orchestrator, hosts []string, watch watchers) http.Handler {
	decided := func(d api.Decision) {
		if d.Identity != "" { // it was proven
			o.seen(d.AccessKeyID)
		}
		watch.audit.s3(d)
	}
	return api.New(api.Config{
		HostID: o.hostID(),
		Store:  s, Identities: o, Buckets: o, BasePath: s3Path, Hosts: hosts, Log: watch.log, Audit: decided, Observe: watch.metrics.observe,
	})
}

func isS3Path(escaped string) bool {
	return escaped == s3Path || strings.HasPrefix(escaped, s3Path+"/")
}
