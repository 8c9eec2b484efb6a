#include "relay/receive_room.hpp"

#include <optional>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

using relay::ReceiveRoom;

TEST_SUITE_BEGIN("relay/receive_room");

TEST_CASE("together one below the limit, at it, and not one more") {
  boost::asio::io_context io;
  for (const std::size_t second : {59U, 60U, 61U}) {
    CAPTURE(second);
    ReceiveRoom room(io.get_executor(), 100, 0);
    ReceiveRoom::Share oldest(room);
    ReceiveRoom::Share other(room);
    CHECK(oldest.grow(40));
    CHECK(other.grow(second) == (second <= 60));
    CHECK(room.taken() == (second <= 60 ? 40 + second : 40));
  }
}

TEST_CASE("the oldest may always grow, and when it goes the next is the oldest") {
  boost::asio::io_context io;
  ReceiveRoom room(io.get_executor(), 100, 0);
  std::optional<ReceiveRoom::Share> oldest(std::in_place, room);
  ReceiveRoom::Share other(room);
  CHECK(other.grow(90));
  CHECK(oldest->grow(1000));
  CHECK(room.taken() == 1090);
  CHECK_FALSE(other.grow(91));
  CHECK(other.grow(0));
  oldest.reset();
  CHECK(room.taken() == 0);
  CHECK(other.grow(5000));
}

TEST_CASE("what is given back is room for the others") {
  boost::asio::io_context io;
  ReceiveRoom room(io.get_executor(), 100, 0);
  ReceiveRoom::Share oldest(room);
  ReceiveRoom::Share other(room);
  CHECK(oldest.grow(80));
  CHECK_FALSE(other.grow(30));
  CHECK(oldest.grow(70));
  CHECK(other.grow(30));
}

TEST_CASE("a fair share is there for everyone, and not a byte more") {
  boost::asio::io_context io;
  ReceiveRoom room(io.get_executor(), 100, 10);
  ReceiveRoom::Share oldest(room);
  ReceiveRoom::Share other(room);
  CHECK(oldest.grow(100));
  for (const std::size_t bytes : {9U, 10U, 11U}) CHECK(other.grow(bytes) == (bytes <= 10));
  CHECK(room.taken() == 110);
}

TEST_SUITE_END();
