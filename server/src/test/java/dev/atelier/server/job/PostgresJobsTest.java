package dev.atelier.server.job;

import dev.atelier.server.db.Database;
import dev.atelier.server.db.LocalPostgres;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The same, where the database is PostgreSQL. */
class PostgresJobsTest extends JobsTest {
    private static LocalPostgres postgres;

    @BeforeAll
    static void start() throws Exception {
        postgres = LocalPostgres.start();
    }

    @AfterAll
    static void stop() throws Exception {
        if (postgres != null) {
            postgres.close();
        }
    }

    @Override
    Database openDatabase() throws Exception {
        return Database.postgresql(postgres.createDatabase());
    }
}
