package plan

import (
	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
)

// deletion says what keeps an object whose deletion has begun.
func Deletion(entry live.Entry) string {
	if entry.Health.Status == health.Terminating && entry.Health.Message != "" {
		return entry.Health.Message
	}
	return "is being deleted"
}
