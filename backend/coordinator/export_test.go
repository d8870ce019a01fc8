package coordinator

import "context"

// PurgeRecycled does what a coordinator does once a minute.
func PurgeRecycled(ctx context.Context, o *Orchestrator) error { return o.purgeRecycled(ctx) }
