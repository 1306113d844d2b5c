package store

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Rules is the table of what scheduled work remembers from one run to the next. Its key
// is rule.
type Rules struct {
	DB    *dynamodb.Client
	Table string
}

// sweepKey is the item of the sweep of expired temporary allows.
const sweepKey = "sweep-allows"

// Sweep is how far the sweep of the users has come. It goes through the parts of the
// table in rounds; the zero Sweep is one that has not begun.
type Sweep struct {
	Segments int32       // the parts of a round
	Position int32       // how many of them this round has begun with
	Begun    time.Time   // when this round began
	Before   time.Time   // when the round before it began, zero: there was none
	Whole    time.Time   // when the last round began of which every part was swept to its end
	Open     []SweepPart // parts that are not swept to their end, in their order

	run string // of the run that kept it, "" when there is no item
}

// SweepPart is a part of the users table that was begun.
type SweepPart struct {
	Segment
	Due    time.Time // its turn
	Old    bool      // it is a round's before this one
	Failed bool      // the page it stands at could not be read
	Idle   int       // runs in a row that removed nothing of the page it stands at
}

// ReadSweep reads how far the sweep has come. An item that is not there, or that is none
// of KeepSweep's, is a sweep that has not begun. ErrNewer.
func (r Rules) ReadSweep(ctx context.Context) (Sweep, error) {
	out, err := r.DB.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &r.Table, Key: object{"rule": text(sweepKey)}, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return Sweep{}, failed("rules: read sweep", err)
	}
	return sweepOf(out.Item), unlessNewer(out.Item)
}

// sweepOf is the sweep in an item.
func sweepOf(item object) Sweep {
	s := Sweep{run: item.text("run")}
	segments, position := item.number("segments"), item.number("position")
	const most = 1 << 20 // more than a template's parameter allows
	if segments < 1 || segments > most || position < 0 || position > segments {
		return s
	}
	open, _ := item["open"].(*types.AttributeValueMemberL)
	if open == nil {
		return s
	}
	parts := make([]SweepPart, 0, len(open.Value))
	for _, member := range open.Value {
		m, _ := member.(*types.AttributeValueMemberM)
		if m == nil {
			return s
		}
		part := object(m.Value)
		n := part.number("segment")
		if n < 0 || n >= segments {
			return s
		}
		segment := Segment{Number: int32(n), Total: int32(segments)}
		if from := part.text("from"); from != "" {
			segment.from = object{"customerId": text(from)}
		}
		parts = append(parts, SweepPart{
			Segment: segment, Due: part.when("due"), Old: part.flag("old"), Failed: part.flag("failed"),
			Idle: int(part.number("idle")),
		})
	}
	s.Segments, s.Position, s.Open = int32(segments), int32(position), parts
	s.Begun, s.Before, s.Whole = item.when("begun"), item.when("before"), item.when("whole")
	return s
}

// KeepSweep keeps how far a run has brought the sweep, on condition that no other run has
// kept anything since s was read. kept is false where one has. Then that one's is what
// stands, and this run's work is done again: nothing is left out. ErrNewer.
func (r Rules) KeepSweep(ctx context.Context, s Sweep) (kept bool, err error) {
	open := make([]types.AttributeValue, len(s.Open))
	for i, p := range s.Open {
		part := object{
			"segment": number(int64(p.Number)), "due": number(p.Due.UnixMilli()), "old": flag(p.Old),
			"failed": flag(p.Failed), "idle": number(p.Idle),
		}
		if from := p.from.text("customerId"); from != "" {
			part["from"] = text(from)
		}
		open[i] = part.value()
	}
	run := rand.Text()
	item := object{
		"rule": text(sweepKey), "run": text(run), "segments": number(int64(s.Segments)),
		"position": number(int64(s.Position)), "open": &types.AttributeValueMemberL{Value: open},
	}
	for name, at := range map[string]time.Time{"begun": s.Begun, "before": s.Before, "whole": s.Whole} {
		if !at.IsZero() {
			item[name] = number(at.UnixMilli())
		}
	}
	put := &dynamodb.PutItemInput{
		TableName: &r.Table, Item: Stamp(item),
		ConditionExpression:                 aws.String("#run = :run AND " + understood),
		ExpressionAttributeNames:            map[string]string{"#run": "run"},
		ExpressionAttributeValues:           object{":run": text(s.run), ":v": schema},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if s.run == "" { // no item, or one that no run has kept
		put.ConditionExpression = aws.String("(#run = :run OR NOT attribute_type(#run, :text)) AND " + understood)
		put.ExpressionAttributeValues[":text"] = text("S")
	}
	_, err = r.DB.PutItem(ctx, put)
	if stands, refused := conditionFailed(err); refused {
		if Newer(stands) {
			return false, ErrNewer
		}
		return object(stands).text("run") == run, nil // true: kept by a try whose answer was lost
	}
	return err == nil, failed("rules: keep sweep", err)
}

// when is a time in milliseconds, zero where there is none.
func (o object) when(name string) time.Time {
	if ms := o.number(name); ms != 0 {
		return time.UnixMilli(ms)
	}
	return time.Time{}
}
