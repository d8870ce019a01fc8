package client

import (
	"context"
	"net/http"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
)

// Reload has the coordinator read its configuration again; the local admin alone may.
func (c *Client) Reload(ctx context.Context) (r coordinator.Reloaded, err error) {
	return r, c.call(ctx, http.MethodPost, "/v1/reload", nil, &r)
}

// Certificate is what the coordinator serves https with, or fault.NotFound. The local
// admin alone is told: others cannot trust the answer.
func (c *Client) Certificate(ctx context.Context) (cert coordinator.Certificate, err error) {
	return cert, c.call(ctx, http.MethodGet, "/v1/certificate", nil, &cert)
}
