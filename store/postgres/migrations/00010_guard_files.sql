-- Where the database is a Supabase project's, its Storage keeps users' files in
-- a bucket to which nobody comes but the program, by the project's secret key:
-- whatever the project's other policies let users do in all buckets.

-- +goose Up
-- +goose StatementBegin
-- True: guarded. False: this log-in may not. Null: there is no Storage (yet), so
-- that each start asks again.
CREATE FUNCTION guard_files() RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF to_regclass('storage.objects') IS NULL OR to_regclass('storage.buckets') IS NULL THEN
        RETURN NULL;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_policies WHERE schemaname = 'storage' AND tablename = 'objects' AND policyname = 'flowgate_files') THEN
        CREATE POLICY flowgate_files ON storage.objects AS RESTRICTIVE USING (bucket_id IS DISTINCT FROM 'flowgate-files');
    END IF;
    IF NOT EXISTS (SELECT FROM pg_policies WHERE schemaname = 'storage' AND tablename = 'buckets' AND policyname = 'flowgate_files') THEN
        CREATE POLICY flowgate_files ON storage.buckets AS RESTRICTIVE USING (id IS DISTINCT FROM 'flowgate-files');
    END IF;
    RETURN true;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN RETURN true; -- another server was faster
    WHEN insufficient_privilege THEN RETURN false;
END $$;
REVOKE ALL ON FUNCTION guard_files() FROM PUBLIC;

SELECT guard_files();
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    IF to_regclass('storage.objects') IS NOT NULL THEN
        DROP POLICY IF EXISTS flowgate_files ON storage.objects;
    END IF;
    IF to_regclass('storage.buckets') IS NOT NULL THEN
        DROP POLICY IF EXISTS flowgate_files ON storage.buckets;
    END IF;
END $$;
DROP FUNCTION guard_files();
-- +goose StatementEnd
