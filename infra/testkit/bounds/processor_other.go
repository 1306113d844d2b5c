//go:build !unix

package bounds

import "time"

var started = time.Now()

// processorTime is the time since the start, where the system does not tell more.
func processorTime() time.Duration { return time.Since(started) }
