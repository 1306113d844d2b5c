package stack

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/uuid"

	"customercare/infra/local/template"
)

// startSchedules runs every schedule until ctx ends: it invokes the function at once, as
// if its time had just come, and from then on at its rate. A tick is left out while the
// one before still runs: on AWS a function's timeout sees to that, here the rate may have
// been shortened.
func (s *Stack) startSchedules(ctx context.Context) {
	if s.options.ScheduleEvery < 0 {
		return
	}
	for _, schedule := range s.Template.Schedules {
		tick := time.NewTicker(cmp.Or(s.options.ScheduleEvery, schedule.Every))
		s.schedules.Go(func() {
			defer tick.Stop()
			for at := time.Now(); ; {
				// A failure is in the function's log; EventBridge would try
				// again, here the next tick does.
				event := scheduledEvent(schedule, at, s.options.Region)
				_, _ = s.functions.Invoke(ctx, schedule.Function, event)
				select {
				case <-ctx.Done():
					return
				case at = <-tick.C:
				}
			}
		})
	}
}

// scheduledEvent is what EventBridge sends.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
func scheduledEvent(s template.Schedule, at time.Time, region string) []byte {
	rule := fmt.Sprintf("arn:aws:events:%s:%s:rule/%s", region, template.AccountID, s.Name)
	event, _ := json.Marshal(events.CloudWatchEvent{ // strings always marshal
		Version: "0", ID: uuid.NewString(), DetailType: "Scheduled Event", Source: "aws.events",
		AccountID: template.AccountID, Time: at.UTC().Truncate(time.Second), Region: region,
		Resources: []string{rule}, Detail: json.RawMessage("{}"),
	})
	return event
}
