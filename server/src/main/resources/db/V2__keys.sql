-- Amounts are 10⁻¹⁰ USD; a key without a balance has no limit.

create table api_keys (
    id         varchar(16)  primary key,
    name       varchar(100) not null,
    hash       varchar(64)  not null,
    balance    bigint,
    per_minute integer,
    per_day    integer,
    created_at bigint       not null,
    revoked_at bigint
);

-- The ledger: what every request of a key costs. RESERVED while its job is not finished, then SPENT or RELEASED.
create table charges (
    id         varchar(40)  primary key,
    key_id     varchar(16)  not null,
    job_id     varchar(40),
    endpoint   varchar(100) not null,
    model      varchar(2000) not null,
    images     integer      not null,
    width      integer      not null,
    height     integer      not null,
    steps      integer      not null,
    cost       bigint       not null,
    state      varchar(16)  not null,
    created_at bigint       not null
);

create index charges_by_key on charges (key_id, created_at);
create index charges_by_state on charges (state, job_id);

-- What Novita's API says about a task besides what its job says.
create table novita_tasks (
    id         varchar(40)  primary key,
    owner      varchar(64)  not null,
    job_id     varchar(40),
    type       varchar(16)  not null,
    image_type varchar(8)   not null,
    link_ttl   integer      not null,
    outcome    varchar(32),
    created_at bigint       not null
);
