package upper

import (
	"container/heap"
	"time"
)

// when is the earliest time at which o may start.
func (q *queue) when(o *op) time.Time {
	urgent := q.urgent > 0 && (o.kind != opSheet || q.busy[sheetDir(o.key)] == 0)
	if urgent || o.retryAt.After(o.due) {
		return o.retryAt
	}
	return o.due
}

func (q *queue) push(o *op) {
	if o.running || o.slot >= 0 {
		return
	}
	heap.Push(&q.ready, readyOp{o, q.when(o)})
	q.wake()
}

// hurry makes everything that waits for time start now.
func (q *queue) hurry(only func(*op) bool) {
	q.probeAt = time.Time{}
	for i := range q.ready {
		o := q.ready[i].op
		if only(o) {
			o.retryAt = time.Time{}
		}
		q.ready[i].at = q.when(o)
	}
	heap.Init(&q.ready)
	q.wake()
}

type readyOp struct {
	op *op
	at time.Time
}

// readyHeap orders by time, then by age.
type readyHeap []readyOp

func (h readyHeap) Len() int { return len(h) }

func (h readyHeap) Less(i, j int) bool {
	if !h[i].at.Equal(h[j].at) {
		return h[i].at.Before(h[j].at)
	}
	return h[i].op.id < h[j].op.id
}

func (h readyHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].op.slot, h[j].op.slot = i, j
}

// Push implements heap.Interface.
func (h *readyHeap) Push(x any) {
	r := x.(readyOp)
	r.op.slot = len(*h)
	*h = append(*h, r)
}

// Pop implements heap.Interface.
func (h *readyHeap) Pop() any {
	old := *h
	r := old[len(old)-1]
	old[len(old)-1] = readyOp{}
	*h = old[:len(old)-1]
	r.op.slot = -1
	return r
}
