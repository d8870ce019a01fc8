//go:build linux

package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
)

// The client signs what a server verifies, and every measurement measures what it says.
func TestMeasurements(t *testing.T) {
	srv := s3test.Start(t)
	address := strings.TrimSuffix(strings.TrimPrefix(srv.Endpoint(), "http://"), "/s3")
	us := &server{name: "ours", target: target{address: address, base: "/s3", key: srv.AccessKey, secret: srv.Secret}}
	z := sizes{each: 50 * time.Millisecond, large: 1 << 20, parts: 3, reads: 20, keys: 1100}
	tr := &trial{sizes: z, server: us, small: newPayload(randomBytes(smallSize)), big: newPayload(randomBytes(z.large)), part: newPayload(randomBytes(5 << 20))}
	if err := tr.connect(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		for _, c := range tr.conns {
			c.close()
		}
	}()
	if err := tr.fill(); err != nil {
		t.Fatal(err)
	}
	if err := tr.upload(); err != nil {
		t.Fatal(err)
	}
	for _, s := range steps(z)[1:] { // the first is the memory of a process
		if v, err := s.run(tr); err != nil || v <= 0 {
			t.Errorf("%s: %v %v", s.name, v, err)
		}
	}
	c := tr.conns[0]
	got, err := c.do(http.MethodGet, tr.readKey(7), "", noPayload, true)
	if err != nil || string(got) != string(tr.small.bytes) {
		t.Errorf("an object has %d bytes: %v", len(got), err)
	}
	c.secret, c.day = "wrong", ""
	if _, err := c.do(http.MethodGet, tr.readKey(7), "", noPayload, true); err == nil || !strings.Contains(err.Error(), "SignatureDoesNotMatch") {
		t.Errorf("a wrong secret: %v", err)
	}
}

func TestTable(t *testing.T) {
	rate := &metric{name: "HEAD /s", better: "more", goal: 200, values: series{"ours": {100, 900, 300}, "peer": {100, 200}}}
	took := &metric{name: "list", unit: " ms", better: "less", values: series{"ours": {2}, "peer": {9}}}
	late := &metric{name: "slow", unit: " s", better: "less", aim: "≤ best", capped: []string{"peer"}, values: series{"ours": {1}, "peer": {90}}}
	got := markdown("16 connections", []*metric{rate, took, late}, []string{"ours", "peer", "absent"})
	want := "| 16 connections | ours | peer | absent | goal |\n|---|---:|---:|---:|---:|\n" +
		"| HEAD /s | **300** | 150 (2.00×) | – | ≥ 200 |\n" +
		"| list | **2.00 ms** | 9.00 ms (4.50×) | – |  |\n" +
		"| slow | **1.00 s** | > 90.0 s (> 90.0×) | – | ≤ best |\n"
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
