package remote

import (
	"net/http"
	"sync"
	"sync/atomic"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
)

// Traffic is what a Client has asked of its store so far.
type Traffic struct {
	Fetched  int64               `json:"fetched_bytes"` // of objects' bytes
	Sent     int64               `json:"sent_bytes"`    // of requests' bodies, those of failed ones too
	Requests map[string]Requests `json:"requests"`      // by S3's name for them, such as GetObject
}

// Requests counts those of one kind.
type Requests struct {
	Count  int64 `json:"count"`
	Errors int64 `json:"errors"` // no answer, or a refusal; that there is no such object is an answer
}

// traffic counts for a Client.
type traffic struct {
	fetched, sent atomic.Int64

	mu       sync.Mutex
	requests map[string]Requests
}

// Traffic is what was asked since the Client was made.
func (c *Client) Traffic() Traffic {
	t := &c.traffic
	out := Traffic{Fetched: t.fetched.Load(), Sent: t.sent.Load(), Requests: map[string]Requests{}}
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, r := range t.requests {
		out.Requests[name] = r
	}
	return out
}

// count takes account of one request, when it is answered or has failed.
func (t *traffic) count(req *http.Request, res *http.Response) {
	name := awsmiddleware.GetOperationName(req.Context())
	if name == "" {
		name = req.Method
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.requests == nil {
		t.requests = map[string]Requests{}
	}
	r := t.requests[name]
	r.Count++
	if res == nil || res.StatusCode >= 400 && res.StatusCode != http.StatusNotFound && res.StatusCode != http.StatusPreconditionFailed {
		r.Errors++
	}
	t.requests[name] = r
}
