package store

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/shared/retention"
)

// cursorPrefix begins the keys of the items that say how far a rule's sweep has come.
const cursorPrefix = "retention-"

// Cursor is how far the sweep of a rule of retention has come. The zero Cursor is one of
// a rule that no sweep has begun with.
type Cursor struct {
	Rule     string    // its name
	Version  int64     // of the rule as the sweep applies it
	Since    time.Time // when the first sweep of this version began
	Begun    time.Time // when this sweep began
	Cutoff   time.Time // fixed when it began
	Ended    time.Time // zero while it is under way
	Whole    time.Time // when the last sweep of this version began that came to its end, zero: none
	Position Position  // behind which it goes on
	Read     int64     // items of the kind that were read
	Swept
	Working bool // a run is at it, or has died
	AtLeast bool // the counts are lower bounds: a run died that had not written them down
	Idle    int  // runs in a row that brought the page it stands at no further
	// Stopped says that it found far more than the rule's dry run, so this version of the
	// rule is not applied any more.
	Stopped bool

	run string // of who kept it last, "" when there is no item
}

// ErrCursorChanged says that another run has kept the cursor. It goes on with the sweep.
var ErrCursorChanged = errors.New("retention: another run is at this sweep")

// ReadCursor reads how far a rule's sweep has come. An item that is none of KeepCursor's
// is a sweep that has not begun. ErrNewer.
func (r Rules) ReadCursor(ctx context.Context, rule string) (Cursor, error) {
	item, err := r.get(ctx, cursorPrefix+rule)
	if err != nil {
		return Cursor{}, err
	}
	c := Cursor{
		Rule: rule, Version: item.number("version"), Since: item.when("since"), Begun: item.when("begun"),
		Cutoff: item.when("cutoff"), Ended: item.when("ended"), Whole: item.when("whole"), Read: item.number("read"),
		Swept: Swept{
			Found: item.number("found"), Erased: item.number("erased"), Kept: item.number("kept"), Left: item.number("left"),
		},
		Working: item.flag("working"), AtLeast: item.flag("atLeast"), Idle: int(item.number("idle")),
		Stopped: item.flag("stopped"), run: item.text("run"),
	}
	if position, ok := item["position"].(*types.AttributeValueMemberM); ok {
		c.Position = Position{}
		for name := range position.Value {
			c.Position[name] = object(position.Value).text(name)
		}
	}
	if c.Begun.IsZero() || c.Cutoff.IsZero() {
		return Cursor{Rule: rule, run: c.run}, nil
	}
	return c, nil
}

// KeepCursor keeps how far a sweep has come, on condition that no other run has kept it
// since c was read or kept: else ErrCursorChanged.
func (r Rules) KeepCursor(ctx context.Context, c *Cursor) error {
	put, run := r.cursor(*c)
	_, err := r.DB.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: put.TableName, Item: put.Item, ConditionExpression: put.ConditionExpression,
		ExpressionAttributeNames: put.ExpressionAttributeNames, ExpressionAttributeValues: put.ExpressionAttributeValues,
		ReturnValuesOnConditionCheckFailure: allOld,
	})
	if stands, refused := conditionFailed(err); refused {
		if object(stands).text("run") != run {
			return ErrCursorChanged
		}
		err = nil // kept by a try whose answer was lost
	}
	if err == nil {
		c.run = run
	}
	return failed("retention: keep cursor", err)
}

// EndSweep is KeepCursor for a sweep that has come to its end, in one transaction with
// the record of its statement, which seal-ledger takes from there. So each sweep has one
// statement.
func (r Rules) EndSweep(ctx context.Context, c *Cursor, ledger Erasures, record SweepRecord) error {
	put, run := r.cursor(*c)
	id := RecordPrefix + record.ID
	item := ledgerKey(id)
	item["kind"], item["statement"], item["state"] = text(SweepKind), text(record.Statement), text("done")
	item["requestedBy"], item["requestedAt"] = text(record.By), millis(record.At)
	item["finishedAt"], item["unlogged"], item["unloggedAt"] = millis(record.At), text(shard(id)), millis(record.At)
	Stamp(item)
	for try := 1; ; try++ {
		// The SDK gives the call a token, with which it repeats one whose answer was
		// lost.
		_, err := r.DB.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
			{Put: &put}, {Put: &types.Put{
				TableName: &ledger.Table, Item: item, ConditionExpression: aws.String("attribute_not_exists(erasureId)"),
			}},
		}})
		if e, ok := errors.AsType[*types.TransactionCanceledException](err); ok && len(e.CancellationReasons) > 0 &&
			aws.ToString(e.CancellationReasons[0].Code) == "ConditionalCheckFailed" {
			return ErrCursorChanged
		}
		if err = transacted("retention: end sweep", err); err == nil {
			c.run = run
		}
		if !retryable(err) || try == maxOpenTries || !Wait(ctx, r.DB, try, err) {
			return err
		}
	}
}

// SweepRecord is the record of a sweep's statement.
type SweepRecord struct {
	ID, By    string
	At        time.Time
	Statement string // one line
}

// SweepKind is the kind of such a record.
const SweepKind = "retention"

// cursor is the write of a cursor, and the run that it names.
func (r Rules) cursor(c Cursor) (put types.Put, run string) {
	run = rand.Text()
	item := object{
		"rule": text(cursorPrefix + c.Rule), "run": text(run), "version": number(c.Version),
		"read": number(c.Read), "found": number(c.Found), "erased": number(c.Erased), "kept": number(c.Kept),
		"left": number(c.Left), "working": flag(c.Working), "atLeast": flag(c.AtLeast), "stopped": flag(c.Stopped),
		"idle": number(c.Idle),
	}
	for name, at := range map[string]time.Time{
		"since": c.Since, "begun": c.Begun, "cutoff": c.Cutoff, "ended": c.Ended, "whole": c.Whole,
	} {
		if !at.IsZero() {
			item[name] = number(at.UnixMilli())
		}
	}
	if c.Position != nil {
		position := object{}
		for name, value := range c.Position {
			position[name] = text(value)
		}
		item["position"] = position.value()
	}
	put = types.Put{
		TableName: &r.Table, Item: Stamp(item), ConditionExpression: aws.String("#run = :run AND " + understood),
		ExpressionAttributeNames:  map[string]string{"#run": "run"},
		ExpressionAttributeValues: object{":run": text(c.run), ":v": schema},
	}
	if c.run == "" { // no item, or one that no run has kept
		put.ConditionExpression = aws.String("NOT attribute_type(#run, :text) AND " + understood)
		put.ExpressionAttributeValues = object{":text": text("S"), ":v": schema}
	}
	return put, run
}

// ReadRule reads one rule, strongly consistent; ok is false where there is none.
// ErrNewer.
func (r Rules) ReadRule(ctx context.Context, name string) (rule retention.Standing, ok bool, err error) {
	item, err := r.get(ctx, rulePrefix+name)
	if err != nil || item == nil {
		return rule, false, err
	}
	rule = ruleOf(item)
	return rule, rule.Valid() == nil, nil
}

// Next is the cursor of a new sweep of a rule, which is kept in place of this one.
func (c Cursor) Next(rule string, version int64) Cursor {
	return Cursor{Rule: rule, Version: version, run: c.run}
}
