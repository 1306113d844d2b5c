package importer

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/shared/store"
)

var (
	errErased = errors.New("a data subject of this line was erased, or is being erased:" +
		" --returning loads it where they came back")
	errReset = errors.New("the user stands without something that this line has, and operation 1 may have" +
		" removed it since: --returning loads it where it is new")
)

// asked says whether the erasure of a data subject is on record (Options.Erased); nil
// asks nobody.
type asked func(ctx context.Context, kind, scope, identifier string) (bool, error)

// about says whether anybody whom a record is about was erased.
func (erased asked) about(ctx context.Context, r *record) (bool, error) {
	if erased == nil {
		return false, nil
	}
	kind, scope, identifiers := "number", r.tenant, r.parties
	if r.customer != "" {
		parts := store.SplitKey(r.customer)
		kind, scope, identifiers = "customer", parts[0], parts[1:]
	}
	for _, identifier := range identifiers {
		if is, err := erased(ctx, kind, scope, identifier); is || err != nil {
			return is, err
		}
	}
	return false, nil
}

// asStands is the condition under which a user's line puts nothing back that operation 1
// may have removed: what it fills stands already, or there is no such user yet. It is ""
// for a line that fills nothing. Operation 1 leaves no time, and a line has none, so that
// nobody can tell what was removed from what was never there.
func asStands(r *record) (condition string) {
	for _, name := range slices.Backward(userMaps) {
		if value, isMap := r.item[name].(*types.AttributeValueMemberM); isMap && len(value.Value) > 0 {
			if condition != "" {
				condition = " AND " + condition
			}
			condition = "attribute_exists(#" + name + ")" + condition
		}
	}
	if condition == "" {
		return ""
	}
	return "attribute_not_exists(customerId) OR " + condition
}

// leaveReset finishes a record whose condition asStands failed.
func (l *loader) leaveReset(_ context.Context, r *record) error {
	l.finish(r, errReset)
	return nil
}
