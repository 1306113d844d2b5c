package erasure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// activeAt sets the activity of customer 4711 as its item has it, nil for none.
func (sys *system) activeAt(t testing.TB, value types.AttributeValue) {
	t.Helper()
	in := &dynamodb.UpdateItemInput{
		TableName: &sys.Kit.Customers.Table, Key: record4711(store.CustomerRecord),
		UpdateExpression: aws.String("REMOVE activeAt"),
	}
	if value != nil {
		in.UpdateExpression = aws.String("SET activeAt = :at")
		in.ExpressionAttributeValues = item{":at": value}
	}
	if _, err := sys.Plain.UpdateItem(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// activity is the update by which the company's writers keep activeAt (docs/data.md).
// done is false where there is no such customer, or where it is being erased.
func (sys *system) activity(t testing.TB, at time.Time) (done bool) {
	t.Helper()
	_, err := sys.Plain.UpdateItem(context.Background(), &dynamodb.UpdateItemInput{
		TableName: &sys.Kit.Customers.Table, Key: record4711(store.CustomerRecord),
		ConditionExpression: aws.String("attribute_exists(customer) AND attribute_not_exists(tombstone)" +
			" AND (attribute_not_exists(activeAt) OR activeAt < :at)"),
		UpdateExpression:          aws.String("SET activeAt = :at"),
		ExpressionAttributeValues: item{":at": attribute.Number(at.UnixMilli())},
	})
	if _, conflict := errors.AsType[*types.ConditionalCheckFailedException](err); conflict {
		return false
	}
	if err != nil {
		t.Error(err)
	}
	return err == nil
}

// eraseInactive asks for the erasure of customer 4711 by a rule, a month after the last
// activity.
func (sys *system) eraseInactive(e engine) (became Inactivity, id string, err error) {
	err = recovered(func() error {
		became, id, err = e.customerIntake().EraseInactive(context.Background(), CustomerRequest{
			Account: "shop", Code: "4711", By: "retention:idle", Inactive: sys.cutoff(),
		}, time.Minute)
		return err
	})
	return became, id, err
}

func (sys *system) cutoff() time.Time { return sys.clock.Now().AddDate(0, -1, 0) }

// A customer goes, with all that stands there and a record of its own, who has been
// inactive; of any other nothing is written anywhere, and the answer says why.
func TestEraseInactive(t *testing.T) {
	t.Parallel()
	for _, transactions := range []int{0, 3, 40} {
		sys := newSystem(t)
		at := func(d time.Duration) types.AttributeValue {
			return attribute.Number(sys.cutoff().Add(d).UnixMilli())
		}
		for name, value := range map[string]types.AttributeValue{
			"none": nil, "at the cutoff": at(0), "later": at(time.Hour), "zero": attribute.Number(0),
			"text": attribute.Text("1"), "list": attribute.Texts("1"),
		} {
			sys.putCustomer(t, "shop", "4711", transactions)
			sys.activeAt(t, value)
			before := sys.Dump(t, append(sys.All(), sys.Kit.Holds.Table)...)
			became, id, err := sys.eraseInactive(sys.engine)
			after := sys.Dump(t, append(sys.All(), sys.Kit.Holds.Table)...)
			if became != NotInactive || id != "" || err != nil || !slices.Equal(before, after) {
				t.Errorf("%d, %s: %s %s, %v, left %s", transactions, name, became, id, err, after)
			}
		}
		sys.activeAt(t, at(-time.Millisecond))
		became, id, err := sys.eraseInactive(sys.engine)
		if became != Opened || !store.IsID(id) || err != nil || !sys.tombstoneStands(t) {
			t.Errorf("%d: %s %s, %v", transactions, became, id, err)
		}
		again, open, err := sys.eraseInactive(sys.engine)
		if again != OpenAlready || open != id || err != nil {
			t.Errorf("%d, again: %s %s, %v", transactions, again, open, err)
		}
		sys.finishAll(t)
		sys.wantEmpty(t, sys.Kit.Customers.Table)
		if r := sys.wantRecord(t, 1+transactions); r.by != "retention:idle" || r.key != store.RecordPrefix+id ||
			!strings.Contains(r.json, `"requests":{"Value":"1"}`) {
			t.Errorf("%d: the record is %s", transactions, r.json)
		}
		if gone, id, err := sys.eraseInactive(sys.engine); gone != NotThere || id != "" || err != nil {
			t.Errorf("%d, gone: %s %s, %v", transactions, gone, id, err)
		}
	}
}

// A hold keeps a customer from a rule, and nothing is left for its release to erase.
// Transactions without a customer are nobody's. A request without a cutoff is refused.
func TestEraseInactiveOfOthers(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putCustomer(t, "shop", "4711", 3)
	sys.activeAt(t, attribute.Number(1))
	sys.hold(t, "case", "")
	before := sys.Dump(t, append(sys.All(), sys.Kit.Holds.Table)...)
	if became, id, err := sys.eraseInactive(sys.engine); became != Held || id != "" || err != nil {
		t.Errorf("held: %s %s, %v", became, id, err)
	}
	asked := CustomerRequest{Account: "shop", Code: "4711", By: "retention:idle", Inactive: sys.cutoff()}
	if id, err := sys.customerIntake().Customer(t.Context(), asked, time.Minute); id != "" || err != ErrCustomerHeld {
		t.Errorf("held: %s, %v", id, err)
	}
	sys.activeAt(t, attribute.Number(sys.clock.Now().UnixMilli()))
	if became, _, err := sys.eraseInactive(sys.engine); became != NotInactive || err != nil {
		t.Errorf("held and active: %s, %v", became, err)
	}
	if id, err := sys.customerIntake().Customer(t.Context(), asked, time.Minute); id != "" || err != nil {
		t.Errorf("active: %s, %v", id, err)
	}
	sys.activeAt(t, attribute.Number(1))
	if after := sys.Dump(t, append(sys.All(), sys.Kit.Holds.Table)...); !slices.Equal(before, after) {
		t.Errorf("left %s", after)
	}
	sys.release(t, "case")
	if len(sys.ledger(t).open) != 0 || sys.tombstoneStands(t) {
		t.Error("the release has erased the customer")
	}
	sys.takeCustomerAway(t)
	if became, _, err := sys.eraseInactive(sys.engine); became != NotThere || err != nil {
		t.Errorf("transactions alone: %s, %v", became, err)
	}
	if id, err := sys.customerIntake().Customer(t.Context(), asked, time.Minute); id != "" || err != ErrUnknownCustomer {
		t.Errorf("transactions alone: %s, %v", id, err)
	}
	asked.Inactive = time.Time{}
	if _, _, err := sys.customerIntake().EraseInactive(t.Context(), asked, time.Minute); err == nil {
		t.Error("an erasure for inactivity without a cutoff")
	}
}

// A writer who notes an activity right before any call of the opening keeps the customer,
// with everything; one who comes later finds the tombstone. There is no third outcome.
func TestActivityAtEveryMomentOfTheOpening(t *testing.T) {
	t.Parallel()
	for _, transactions := range []int{3, 40} {
		sys := newSystem(t)
		kept, erased := 0, 0
		dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
			sys.putCustomer(t, "shop", "4711", transactions)
			sys.activeAt(t, attribute.Number(sys.cutoff().Add(-time.Hour).UnixMilli()))
			active := false
			sys.Faults.Interrupt(k, func() { active = sys.activity(t, sys.clock.Now()) })
			became, _, err := sys.eraseInactive(sys.engine)
			struck = sys.Faults.Struck()
			sys.Faults.Calls()
			if err != nil || active != (became == NotInactive) {
				t.Errorf("%s, though the writer's activity is %v; %v", became, active, err)
			}
			if active {
				kept++
				if left := sys.Dump(t, sys.Kit.Customers.Table); len(left) != 1+transactions || len(sys.ledger(t).all) != 0 {
					t.Errorf("left %d of the customer: %s", len(left), left)
				}
			} else {
				erased++
				sys.finishAll(t)
				sys.wantEmpty(t, sys.Kit.Customers.Table)
				sys.wantRecord(t, 1+transactions)
			}
			sys.clear(t)
			return struck
		})
		if !testing.Short() && (kept != 2 || erased == 0) {
			t.Errorf("%d transactions: %d kept, %d erased", transactions, kept, erased)
		}
	}
}

// Whichever call of it fails, and however, an inactive customer is gone whole at the end
// with one record of every erasure, and an active one loses nothing.
func TestEveryCallOfEraseInactiveFailsOnce(t *testing.T) {
	t.Parallel()
	for _, fault := range []dynamotest.Fault{
		dynamotest.Before, dynamotest.After, dynamotest.Throttle, dynamotest.Timeout, dynamotest.Refused,
		dynamotest.Unprocessed, dynamotest.Cancelled,
	} {
		for _, transactions := range []int{3, 40} {
			t.Run(fmt.Sprint(fault, transactions), func(t *testing.T) {
				t.Parallel()
				sys := newSystem(t)
				dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
					sys.putCustomer(t, "shop", "4711", transactions)
					for _, active := range []bool{true, false} {
						at := sys.cutoff().Add(-time.Hour)
						if active {
							at = at.Add(2 * time.Hour)
						}
						sys.activeAt(t, attribute.Number(at.UnixMilli()))
						sys.Faults.Inject(fault, k, k)
						became, _, err := sys.eraseInactive(sys.engine)
						struck = sys.Faults.Struck()
						sys.Faults.Calls()
						if err != nil && !struck || active && became != NotInactive && err == nil {
							t.Errorf("active %v: %s, %v", active, became, err)
						}
						left := sys.Dump(t, sys.Kit.Customers.Table)
						if active && (len(left) != 1+transactions || len(sys.ledger(t).all) != 0) {
							t.Errorf("an active customer has lost something: %s", left)
						}
					}
					if became, _, err := sys.eraseInactive(sys.engine); err != nil || became == NotInactive || became == Held {
						t.Errorf("asked again: %s, %v", became, err)
					}
					sys.finishAll(t)
					sys.wantEmpty(t, sys.Kit.Customers.Table)
					if n := len(sys.ledger(t).records); n != 1 {
						t.Errorf("%d records", n)
					}
					sys.clear(t)
					return struck
				})
			})
		}
	}
}

// A customer whose tombstone another writer has written over is being erased already: its
// worker sees to it.
func TestEraseInactiveOverATombstone(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putCustomer(t, "shop", "4711", 3)
	sys.eraseCustomer(t)
	sys.putCustomer(t, "shop", "4711", 1)
	sys.activeAt(t, attribute.Number(1))
	if became, id, err := sys.eraseInactive(sys.engine); became != OpenAlready || !store.IsID(id) || err != nil {
		t.Errorf("%s %s, %v", became, id, err)
	}
	sys.finishAll(t)
	sys.wantEmpty(t, sys.Kit.Customers.Table)
	sys.wantRecord(t, 6)
}
