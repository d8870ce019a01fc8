// Package promtext writes metrics in Prometheus' text format. It imports nothing of this module.
package promtext

import (
	"io"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

// Format is the content type of what Write writes.
var Format = expfmt.NewFormat(expfmt.TypeTextPlain)

// Write gathers g and writes it to w. Nothing is written where the gathering fails.
func Write(w io.Writer, g prometheus.Gatherer) error {
	families, err := g.Gather()
	if err != nil {
		return err
	}
	e := expfmt.NewEncoder(w, Format)
	for _, f := range families {
		if err := e.Encode(f); err != nil {
			return err
		}
	}
	return nil
}
