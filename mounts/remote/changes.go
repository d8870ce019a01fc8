package remote

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/eventstream"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// Changes are what a coordinator tells of its bucket and prefix while Follow runs.
type Changes struct {
	client   *Client
	at       string // URL of the stream
	follower eventstream.Follower
}

// emptyPayload is the SHA-256 of no body.
const emptyPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// NewChanges asks the coordinator whose stream is at that URL, over the store's connections and
// with its keys. heard gets what changed, missed says that anything may have (why is
// empty at the beginning), live and broken how the stream is.
func (c *Client) NewChanges(at string, heard func([]upper.News), missed func(why string), live func(), broken func(error)) *Changes {
	s := &Changes{client: c, at: at}
	s.follower = eventstream.Follower{
		// Past the observer: a stream that is silent is no sign of the store's health, and its
		// bytes no traffic to be bounded.
		HTTP:    &http.Client{Transport: c.transport, CheckRedirect: c.web.CheckRedirect},
		Request: s.request,
		Missed:  missed,
		Heard: func(list []eventstream.Change) {
			if news, all := c.news(list); all {
				missed("the bucket was deleted")
			} else {
				heard(news)
			}
		},
		Live:   live,
		Broken: func(err error) { broken(unanswered(err)) },
	}
	return s
}

// Follow runs until ctx ends.
func (s *Changes) Follow(ctx context.Context) { s.follower.Run(ctx) }

// Restart connects again with the keys of now, Wake tries again at once where it does not follow.
func (s *Changes) Restart() { s.follower.Restart() }

// Wake is said when the store answers again.
func (s *Changes) Wake() { s.follower.Wake() }

// request is signed as those to the store are: the coordinator lets see what it lets list.
func (s *Changes) request(ctx context.Context, after string) (*http.Request, error) {
	query := url.Values{eventstream.Bucket: {s.client.bucket}, eventstream.Prefix: {s.client.prefix}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.at+"?"+strings.ReplaceAll(query.Encode(), "+", "%20"), nil)
	if err != nil {
		return nil, err
	}
	if after != "" {
		req.Header.Set(eventstream.LastID, after)
	}
	keys, err := s.client.signed.keys.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Amz-Content-Sha256", emptyPayload)
	return req, (&signer{}).SignHTTP(ctx, keys, req, emptyPayload, "s3", s.client.region, time.Now())
}

// unanswered is err without the URL.
func unanswered(err error) error {
	var refused *eventstream.Refusal
	var request *url.Error
	switch {
	case errors.As(err, &refused) && (refused.Status == http.StatusUnauthorized || refused.Status == http.StatusForbidden):
		return fault.Wrap(fault.Auth, refused, mountHints.Keys, "the coordinator refuses the keys")
	case errors.As(err, &request):
		return fault.Wrap(fault.Unreachable, reachError(err), mountHints.Reach, "no answer from the coordinator")
	}
	return err
}

// news is what list says of the workspace; all says that nothing of it is left.
func (c *Client) news(list []eventstream.Change) (news []upper.News, all bool) {
	for _, change := range list {
		key, below := strings.CutPrefix(change.Key, c.prefix)
		switch {
		case change.Kind == eventstream.BucketDeleted:
			return nil, true
		case below && key != "":
			news = append(news, upper.News{Key: key, ETag: change.ETag, Deleted: change.Kind == eventstream.Delete})
		}
	}
	return news, false
}
