package postgres_test

import (
	"testing"

	"flowgate/store/storetest"
)

func TestSupervision(t *testing.T) {
	t.Parallel()
	storetest.RunSupervision(t, func(t *testing.T) storetest.Supervised { return open(t, options(t)) })
}
