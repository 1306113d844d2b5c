package erasure

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// The ledger knows more than the table of holds, which was restored to an earlier time: a
// hold is placed and released once more all the same.
func TestHoldsRestoredToAnEarlierTime(t *testing.T) {
	t.Parallel()
	for name, number := range map[string]string{"customer": "", "number": "n1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sys := newSystem(t)
			sys.hold(t, "case-1", number)
			held := dynamotest.Items(t, sys.Plain, sys.Kit.Holds.Table)
			sys.release(t, "case-1")

			sys.restoreHolds(t, held) // to when it was active
			sys.release(t, "case-1")

			sys.restoreHolds(t, nil) // to before it was placed
			sys.hold(t, "case-1", number)

			if number != "" { // to when it was being placed
				sys.restoreHolds(t, nil)
				hold, _ := sys.holdOf("case-1", number)
				if err := sys.withoutFaults().Holds.PlaceOnNumber(t.Context(), hold, sys.clock.Now()); err != nil {
					t.Fatal(err)
				}
				sys.clock.Advance(time.Hour)
				sys.dueHolds(t)
				hold, err := sys.withoutFaults().Holds.Read(t.Context(), "case-1")
				if err != nil || hold.Status != store.Active {
					t.Errorf("the hold is %s, %v", hold.Status, err)
				}
			}
			sys.release(t, "case-1")
			sys.wantHolds(t, 1)
		})
	}
}

// restoreHolds makes these items all that the table of holds has.
func (sys *system) restoreHolds(t testing.TB, items []map[string]types.AttributeValue) {
	t.Helper()
	table := sys.Kit.Holds.Table
	for _, item := range dynamotest.Items(t, sys.Plain, table) {
		_, err := sys.Plain.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
			TableName: &table, Key: map[string]types.AttributeValue{"hold": item["hold"]},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, item := range items {
		if _, err := sys.Plain.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item}); err != nil {
			t.Fatal(err)
		}
	}
}
