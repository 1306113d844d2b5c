package store

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/shared/retention"
)

// The items of retention: rule-<name> is a rule, rules is the last change of any of them,
// and off is there while all of them are stopped.
const (
	rulePrefix = "rule-"
	rulesKey   = "rules"
	offKey     = "off"
)

// ErrRulesChanged says that somebody else has changed a rule since they were read. The
// caller reads again, and decides again.
var ErrRulesChanged = errors.New("rules: changed by somebody else")

// RuleSet is all rules, as they were read.
type RuleSet struct {
	Rules []retention.Standing // by name

	change string // the last change of any rule, "" before the first
}

// Stopped is who stopped all rules, and when.
type Stopped struct {
	By string    `json:"by"`
	At time.Time `json:"at"`
}

// ReadRules reads all rules. What is no rule is left out. ErrNewer where one of them is
// of a newer version: then nobody here can say what overlaps.
func (r Rules) ReadRules(ctx context.Context) (RuleSet, error) {
	// First the last change: a rule that changes afterwards has KeepRule refused.
	out, err := r.get(ctx, rulesKey)
	if err != nil {
		return RuleSet{}, err
	}
	set := RuleSet{change: out.text("change")}
	for pages := dynamodb.NewScanPaginator(r.DB, &dynamodb.ScanInput{
		TableName: &r.Table, ConsistentRead: aws.Bool(true),
		FilterExpression: aws.String("begins_with(#rule, :prefix)"), ExpressionAttributeNames: map[string]string{"#rule": "rule"},
		ExpressionAttributeValues: object{":prefix": text(rulePrefix)},
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return RuleSet{}, failed("rules: read", err)
		}
		if err := unlessNewer(page.Items...); err != nil {
			return RuleSet{}, err
		}
		for _, item := range page.Items {
			if rule := ruleOf(item); rule.Valid() == nil {
				set.Rules = append(set.Rules, rule)
			}
		}
	}
	slices.SortFunc(set.Rules, func(a, b retention.Standing) int { return strings.Compare(a.Name, b.Name) })
	return set, nil
}

// KeepRule keeps a rule as it has become, on condition that no rule has changed since set
// was read. So what was decided with all rules in view, that two do not overlap say,
// holds when it is written. ErrRulesChanged when one has.
func (r Rules) KeepRule(ctx context.Context, set RuleSet, rule retention.Standing) error {
	change := rand.Text()
	mark := &types.Put{
		TableName: &r.Table, Item: Stamp(object{"rule": text(rulesKey), "change": text(change)}),
		ConditionExpression:       aws.String("#change = :change AND " + understood),
		ExpressionAttributeNames:  map[string]string{"#change": "change"},
		ExpressionAttributeValues: object{":change": text(set.change), ":v": schema},
	}
	if set.change == "" {
		mark.ConditionExpression = aws.String("attribute_not_exists(#change) AND " + understood)
		delete(mark.ExpressionAttributeValues, ":change")
	}
	// The SDK gives the call a token, with which it repeats one whose answer was lost.
	_, err := r.DB.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
		TransactItems: []types.TransactWriteItem{
			{Put: mark}, {Put: &types.Put{
				TableName: &r.Table, Item: ruleItem(rule), ConditionExpression: aws.String(understood),
				ExpressionAttributeValues: onlySchema(),
			}},
		},
	})
	if e, cancelled := errors.AsType[*types.TransactionCanceledException](err); cancelled &&
		slices.ContainsFunc(e.CancellationReasons, func(why types.CancellationReason) bool {
			return aws.ToString(why.Code) == "ConditionalCheckFailed"
		}) {
		return ErrRulesChanged
	}
	return failed("rules: keep", err)
}

// Stop stops all rules until Resume, whatever they are. ErrNewer where a newer version
// has stopped them.
func (r Rules) Stop(ctx context.Context, by string, at time.Time) error {
	_, err := r.DB.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &r.Table, Item: Stamp(object{"rule": text(offKey), "by": text(by), "at": number(at.UnixMilli())}),
		ConditionExpression: aws.String(understood), ExpressionAttributeValues: onlySchema(),
	})
	if _, newer := conditionFailed(err); newer {
		return ErrNewer
	}
	return failed("rules: stop", err)
}

// Resume lets the rules that are on be applied again. ErrNewer where a newer version has
// stopped them.
func (r Rules) Resume(ctx context.Context) error {
	_, err := r.DB.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &r.Table, Key: object{"rule": text(offKey)},
		ConditionExpression: aws.String(understood), ExpressionAttributeValues: onlySchema(),
	})
	if _, newer := conditionFailed(err); newer {
		return ErrNewer
	}
	return failed("rules: resume", err)
}

// IsStopped says who stopped all rules, nil when nobody has. After an error nobody knows,
// and the caller applies no rule. What a newer version has written there stops them, too.
func (r Rules) IsStopped(ctx context.Context) (*Stopped, error) {
	stopped, _, err := r.ReadSwitch(ctx)
	return stopped, err
}

// ReadSwitch is IsStopped, and says besides what DynamoDB's own clock showed when it
// answered, zero where it did not say. So who applies rules has a second clock to compare
// its own with.
func (r Rules) ReadSwitch(ctx context.Context) (stopped *Stopped, theirs time.Time, err error) {
	out, err := r.DB.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &r.Table, Key: object{"rule": text(offKey)}, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, time.Time{}, failed("rules: read the switch", err)
	}
	theirs, _ = middleware.GetServerTime(out.ResultMetadata)
	if out.Item == nil {
		return nil, theirs, nil
	}
	item := object(out.Item)
	return &Stopped{item.text("by"), item.when("at")}, theirs, nil
}

// get is an item, strongly consistent, nil where there is none. ErrNewer.
func (r Rules) get(ctx context.Context, key string) (object, error) {
	out, err := r.DB.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &r.Table, Key: object{"rule": text(key)}, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, failed("rules: read", err)
	}
	return out.Item, unlessNewer(out.Item)
}

// ruleItem is a rule as it is stored.
func ruleItem(s retention.Standing) object {
	item := object{
		"rule": text(rulePrefix + s.Name), "what": text(string(s.What)), "days": number(s.Days),
		"state": text(string(s.State)), "version": number(s.Version),
	}
	for name, value := range map[string]string{
		"tenant": s.Tenant, "account": s.Account, "setBy": s.SetBy, "yesBy": s.YesBy, "alsoBy": s.AlsoBy,
	} {
		if value != "" {
			item[name] = text(value)
		}
	}
	if !s.YesAt.IsZero() {
		item["yesAt"] = number(s.YesAt.UnixMilli())
	}
	if s.Dry != nil {
		item["dry"] = object{
			"at": number(s.Dry.At.UnixMilli()), "found": number(s.Dry.Found), "outOf": number(s.Dry.OutOf),
			"complete": flag(s.Dry.Complete),
		}.value()
	}
	return Stamp(item)
}

// ruleOf is the rule in an item. One that was changed by hand into what is no state is
// only set: it is not applied.
func ruleOf(item object) retention.Standing {
	s := retention.Standing{
		Rule: retention.Rule{
			Name: strings.TrimPrefix(item.text("rule"), rulePrefix), What: retention.What(item.text("what")),
			Days: int(item.number("days")), Tenant: item.text("tenant"), Account: item.text("account"),
		},
		State: retention.State(item.text("state")), SetBy: item.text("setBy"), YesBy: item.text("yesBy"),
		YesAt: item.when("yesAt"), AlsoBy: item.text("alsoBy"), Version: item.number("version"),
	}
	if !slices.Contains([]retention.State{retention.Set, retention.Waiting, retention.On, retention.Off}, s.State) {
		s.State = retention.Set
	}
	if dry, _ := item["dry"].(*types.AttributeValueMemberM); dry != nil {
		d := object(dry.Value)
		s.Dry = &retention.DryRun{
			At: d.when("at"), Found: d.number("found"), OutOf: d.number("outOf"), Complete: d.flag("complete"),
		}
	}
	return s
}
